"""`atelier train`: what is wrong is reported before TensorFlow is loaded."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from atelier.cli import main


@pytest.fixture
def stylizer(tmp_path: Path) -> list[str]:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (80, 80)).save(tmp_path / "style.png")
    pictures = ["--style", str(tmp_path / "style.png"), "--photos", str(tmp_path / "photos")]
    return ["train", "stylizer", *pictures, "--out", str(tmp_path / "run")]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--resume"], "there is no checkpoint in"),
        (["--name", "Magenta Mobile"], "name must be another than magenta-mobile"),
        (["--size", "100", "--width", "5"], "width must be a multiple of 4"),
        (["--style-weight", "-1"], "-1.0 is not in the range x>=0"),
        (["--photos", "nowhere"], "'nowhere' does not exist"),
        (["--style", "nowhere.jpg"], "'nowhere.jpg' does not exist"),
        (["--features", "resnet"], "'mobilenet', 'vgg19'"),
    ],
)
def test_a_stylizers_settings_are_checked_first(stylizer: list[str], more: list[str], message: str) -> None:
    before = "tensorflow" in sys.modules
    answer = CliRunner().invoke(main, [*stylizer, *more])
    assert (answer.exit_code, message in answer.stderr) == (2, True), answer.output
    assert ("tensorflow" in sys.modules) == before


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
