"""Commands that run TensorFlow on this machine: what they print is theirs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def atelier(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        [sys.executable, "-m", "atelier", *arguments],
        env={**environ, "ATELIER_STATE_DIR": str(folder / "state")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_a_pull_tells_its_steps_and_nothing_else(tmp_path: Path) -> None:
    answer = atelier("models", "pull", "magenta-mobile", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.splitlines() == ["magenta-mobile: build", "magenta-mobile: check"]


def test_training_tells_its_steps_and_nothing_else(tmp_path: Path) -> None:
    images = np.random.default_rng(2).integers(0, 256, (40, 16, 16), np.uint8)
    np.savez(tmp_path / "data.npz", x_train=images)
    small = ("--data", str(tmp_path / "data.npz"), "--steps", "2", "--batch-size", "8", "--check-every", "0")
    answer = atelier("train", "mnist-dcgan", *small, "--out", str(tmp_path / "run"), folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert [line for line in answer.stderr.splitlines() if not re.match(r"step \d/2 ", line)] == []
    assert len(answer.stdout.splitlines()) == 1
