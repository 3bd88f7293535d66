"""`atelier completion`: what it prints has a shell complete commands, options, words and files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from atelier.cli import main
from atelier.commands.shell.completion import PROGRAM, SHELLS, VARIABLE

BINARIES = Path(sys.executable).parent


def script_of(shell: str) -> str:
    answer = CliRunner().invoke(main, ["completion", shell])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def completed(*words: str) -> set[tuple[str, str]]:
    """Return what a shell is offered for the last word: the kind and the text of each."""
    shell: ShellComplete = SHELLS["bash"](main, {}, PROGRAM, VARIABLE)
    return {(item.type, item.value) for item in shell.get_completions(list(words[:-1]), words[-1])}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("jo",), {("plain", "jobs"), ("plain", "journal")}),
        (("jobs", "re"), {("plain", "retry"), ("plain", "requeue")}),
        (("jobs", "list", "--sta"), {("plain", "--status")}),
        (("jobs", "list", "--status", "f"), {("plain", "failed")}),
        (("stylize", "photo"), {("file", "photo")}),
        (("stylize", "a.jpg", "--style", "pa"), {("file", "pa")}),
        (("generate", "--latents", "v"), {("file", "v")}),
        (("batch", "--style", "pa"), {("file", "pa")}),
        (("completion", ""), {("plain", "bash"), ("plain", "zsh"), ("plain", "fish")}),
    ],
)
def test_what_is_offered(words: tuple[str, ...], offered: set[tuple[str, str]]) -> None:
    assert completed(*words) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_asks_the_program_by_its_own_name(shell: str) -> None:
    assert f"{VARIABLE}={shell}_complete" in script_of(shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_read_by_its_shell(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"install the shell {shell} to try its script")
    (tmp_path / "script").write_text(script_of(shell))
    read = subprocess.run(
        [program, "-n", "script"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (read.returncode, read.stderr) == (0, "")


def test_bash_completes_a_command() -> None:
    line = "COMP_WORDS=(atelier jobs req); COMP_CWORD=2; _atelier_completion atelier; echo ${COMPREPLY[*]}"
    answer = subprocess.run(
        ["bash", "--norc", "-c", f'eval "$(atelier completion bash)"; {line}'],
        env={**os.environ, "PATH": f"{BINARIES}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (answer.stdout, answer.stderr) == ("requeue\n", "")
