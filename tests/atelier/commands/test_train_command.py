"""`atelier train`: what is wrong is reported before TensorFlow is loaded."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from atelier.cli import main


@pytest.mark.parametrize("made", [False, True])
def test_there_must_be_a_run_to_resume(tmp_path: Path, made: bool) -> None:
    if made:
        (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    before = "tensorflow" in sys.modules
    line = ["train", "mnist-dcgan", "--data", "x.npz", "--resume", "--out", str(tmp_path / "run")]
    answer = CliRunner().invoke(main, line)
    assert answer.exit_code == 2
    assert "there is no checkpoint in" in answer.stderr
    assert "start without --resume" in answer.stderr
    assert ("tensorflow" in sys.modules) == before
