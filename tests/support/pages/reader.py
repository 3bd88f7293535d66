"""A reader who does what a page says, from top to bottom, in a new folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Self

import pytest

from tests.support.http.receiver import Receiver
from tests.support.pages.pages import Block
from tests.support.pages.shown import differences, message_differences, parse_shown

SHELL = ("bash", "-euo", "pipefail")
ACCEPTED = "{{ source {0}; }} >{0}.out 2>{0}.err </dev/null; echo done"
REFUSED = "( set +e; source {0}; true ) >{0}.out 2>{0}.err </dev/null; echo done"
PYTHON = """
import contextlib, sys
names = {"__name__": "__main__"}
for line in sys.stdin:
    path = line.strip()
    with open(path) as code, open(path + ".out", "w") as out, open(path + ".err", "w") as err:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            exec(compile(code.read(), path, "exec"), names)
    print("done", flush=True)
"""
IDS = ("job", "batch", "pause")  # in a command, `job_019a...` is the one that the page met last


class Session:
    """A shell or an interpreter that stays open from block to block; its first failure ends it."""

    def __init__(self, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, line: str) -> bool:
        """Run a line; return whether it passed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline() == "done\n"

    def close(self) -> None:
        """End it, and what it left in the background."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


class Reader:
    """Types, saves and compares.

    `words` are replaced in all that is typed: addresses, for instance. Scripts and output stay in `scripts`.
    """

    def __init__(self, folder: Path, scripts: Path, words: Mapping[str, str], told: Receiver) -> None:
        self._folder, self._scripts, self._words, self._told = folder, scripts, dict(words), told
        self._printed = ""  # by the last command
        self._open = ExitStack()

    def __enter__(self) -> Self:
        environ = _environ(home=self._scripts)
        self._shell = Session(SHELL, self._folder, environ)
        self._open.callback(self._shell.close)
        self._python = Session((sys.executable, "-c", PYTHON), self._folder, environ)
        self._open.callback(self._python.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def follow(self, blocks: Sequence[Block]) -> None:
        """Do what the blocks say; fail where one does not work, or shows what does not come."""
        for block, following in pairwise([*blocks, None]):
            if block is not None and not block.reason:
                self._do(block, refused=following is not None and '"code"' in following.text)

    def _do(self, block: Block, *, refused: bool) -> None:
        if block.file:
            path = self._folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._with_words(block.text), "utf-8")
        elif re.match("node ", block.text) and shutil.which("node") is None:
            pytest.skip(f"{block.place} needs Node.js, which is not installed; what stands before it was run")
        elif block.language == "sh":
            self._type(self._shell, block, REFUSED if refused else ACCEPTED)
        elif block.language == "python":
            self._type(self._python, block, "{0}")
        elif block.language in {"json", "http"}:
            found = list(self._differences(block))
            assert not found, f"{block.place} shows what does not come: {found}\n{self._printed}"

    def _with_words(self, text: str) -> str:
        for word, other in self._words.items():
            text = text.replace(word, other)
        return text

    def _type(self, session: Session, block: Block, form: str) -> None:
        script = self._scripts / f"line-{block.line}"
        script.write_text(self._with_words(block.text), "utf-8")
        passed = session.run(form.format(script))
        self._printed, errors = (Path(f"{script}.{end}").read_text("utf-8") for end in ("out", "err"))
        if not passed:
            pytest.fail(f"{block.place} fails:\n{block.text}\n{self._printed[-3000:]}\n{errors[-3000:]}")
        for kind in IDS:
            for found in re.findall(rf"{kind}_[0-9a-f]+", self._printed + errors):
                self._words[f"{kind}_019a..."] = found

    def _differences(self, block: Block) -> Iterator[str]:
        if block.language == "json":
            return differences(parse_shown(block.text), parse_shown(self._printed))
        if block.text.startswith("HTTP/"):
            return message_differences(block.text, self._printed)
        return message_differences(block.text, self._request())

    def _request(self) -> str:
        """Return the first request that a receiver got, as a message."""
        first = self._told.wait_for(1)[0]
        head = [f"POST {first.path} HTTP/1.1", *(f"{name}: {text}" for name, text in first.headers.items())]
        return "\n".join([*head, "", first.body.decode()])


def _environ(home: Path) -> dict[str, str]:
    """Return a user's environment: this process's, without Atelier's settings, and with another home."""
    (home / ".curlrc").write_text("fail-with-body\n", "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATELIER_", "REDIS_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"HOME": str(home), "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"}
