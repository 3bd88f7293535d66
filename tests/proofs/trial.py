"""One trial: a copy of the tree, one mechanism taken out of it, and the test that must notice."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("api", "atelier", "bench", "shared", "tests", "worker", "pyproject.toml")
LIMIT_SECONDS = 900
PASSED, FAILED = 0, 1  # pytest's statuses; any other means that nothing was tested


class CannotEdit(Exception):
    """Raised when a mechanism is not found exactly once at the place in the table."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A small change of the source."""

    file: str  # relative to the root
    old: str  # occurs there exactly once
    new: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A promise, the test that holds it, and a mechanism without which that test must fail."""

    promise: str
    mechanism: str  # what is taken out, in words
    test: str  # as pytest names it
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of pytest in a copy of the tree."""

    status: int
    seconds: float
    last_lines: str

    @property
    def word(self) -> str:
        """The outcome, as the table prints it."""
        return {PASSED: "passes", FAILED: "fails"}.get(self.status, f"broken (status {self.status})")


def apply(edit: Edit, root: Path) -> None:
    """Change one file below a root; raise CannotEdit where the old text is not there exactly once."""
    path = root / edit.file
    text = path.read_text("utf-8")
    if (count := text.count(edit.old)) != 1:
        raise CannotEdit(f"{edit.file} holds this text {count} times, not once: {edit.old!r}")
    path.write_text(text.replace(edit.old, edit.new), "utf-8")


@contextmanager
def copied_tree() -> Iterator[Path]:
    """Copy what the tests need to a temporary folder, which goes afterwards."""
    with TemporaryDirectory(prefix="atelier-proof-", ignore_cleanup_errors=True) as name:
        for part in PARTS:
            source, target = ROOT / part, Path(name) / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)
        yield Path(name)


def verdict(proof: Proof, root: Path) -> Verdict:
    """Run a proof's test in a copy of the tree."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", proof.test]
    environ = {**os.environ, "PYTHONPATH": str(root)}  # before an installed Atelier
    started = time.monotonic()
    try:
        run = subprocess.run(
            command, cwd=root, env=environ, capture_output=True, text=True, timeout=LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Verdict(FAILED, LIMIT_SECONDS, "it did not end")
    tail = "\n".join((run.stdout + run.stderr).splitlines()[-15:])
    return Verdict(run.returncode, time.monotonic() - started, tail)


def attempt(proof: Proof) -> tuple[Verdict, Verdict]:
    """Run a proof's test in the tree as it is, and then without the mechanism."""
    with copied_tree() as root:
        whole = verdict(proof, root)
        for edit in proof.edits:
            apply(edit, root)
        return whole, verdict(proof, root)
