"""In a pipe commands write lines: no bars, no colors, also where a build system asks for colors."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from atelier.client.client import Client
from atelier.display.progress_bar import stderr_console, stdout_console
from tests.support.images import pictures

Run = Callable[..., subprocess.CompletedProcess[str]]
DRAWN = (
    "\x1b",
    "\r",
    "\b",
    "\u2501",
    "\u2578",
    "\u280b",
)  # escapes, and what bars and spinners are drawn with


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    environ = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "ATELIER_STATE_DIR": str(tmp_path)}

    def carry_out(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "atelier", "--url", url, *arguments],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return carry_out


@pytest.mark.parametrize("console", [stderr_console, stdout_console])
def test_no_console_draws_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, console: Callable[[], Console]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not console().is_terminal


@pytest.mark.slow
@pytest.mark.usefixtures("busy_worker")
def test_a_pipe_gets_lines_alone(run: Run, client: Client, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(pictures.png())
    job = client.jobs.create({"type": "generate", "seed": 7})
    for words in (
        ["generate", "--seed", "7", "-o", "seven.png"],
        ["stylize", "photo.png", "--style", "photo.png", "-o", "out.png"],
        ["watch", job.id],
        ["jobs", "list"],
        ["jobs", "show", job.id],
        ["stats"],
        ["models", "list"],
        ["jobs", "show", "job_none"],
    ):
        answer = run(*words)
        assert (answer.returncode == 0) == ("job_none" not in words), answer.stderr
        assert answer.stdout or "job_none" in words
        assert [mark for mark in DRAWN if mark in answer.stdout + answer.stderr] == [], words
