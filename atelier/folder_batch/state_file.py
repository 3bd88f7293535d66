"""The state of an output folder, one fact a line, in a file that is complete however a process ends."""

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from atelier.client.downloads import write_whole
from atelier.client.errors import ClientError

FILE = ".atelier-batch.jsonl"
SLACK_LINES = 1000  # that are out of date and may stay


class FolderBusy(ClientError):
    """Raised when another `atelier batch` works on the output folder."""


@dataclass(frozen=True, slots=True)
class SavedPicture:
    """A picture that was saved."""

    source: str  # photo
    digest: str  # of all that the picture depends on
    sha256: str  # of the picture


@dataclass(frozen=True, slots=True)
class FailedPicture:
    """A picture that the service could not make."""

    source: str
    digest: str
    reason: str
    batch: str
    subject: str = ""  # the style or mask that is at fault, where the photo is not


@dataclass(slots=True)
class FolderState:
    """What the facts of a state file say together."""

    run: dict[str, Any] = field(default_factory=dict)  # how the folder is made
    opening: dict[str, Any] | None = None  # the request of a batch that may exist
    batches: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)  # custom id: target, digest
    ended: set[str] = field(default_factory=set)  # batches whose results are all here
    saved: dict[str, SavedPicture] = field(default_factory=dict)  # by target
    failed: dict[str, FailedPicture] = field(default_factory=dict)  # by target

    def take(self, fact: Mapping[str, Any]) -> None:
        """Apply a fact: the method of its kind changes the state. Files that are there hold these kinds."""
        getattr(self, f"_{fact['kind']}", lambda _: None)(fact)

    def _run(self, fact: Mapping[str, Any]) -> None:
        self.run = dict(fact["options"])

    def _opening(self, fact: Mapping[str, Any]) -> None:
        self.opening = dict(fact)

    def _unopened(self, _: Mapping[str, Any]) -> None:
        self.opening = None

    def _batch(self, fact: Mapping[str, Any]) -> None:
        self.opening = None
        self.batches.setdefault(fact["id"], {})

    def _sent(self, fact: Mapping[str, Any]) -> None:
        items = {name: (target, digest) for name, (target, digest) in fact["items"].items()}
        self.batches.setdefault(fact["batch"], {}).update(items)

    def _ended(self, fact: Mapping[str, Any]) -> None:
        self.ended.add(fact["batch"])

    def _again(self, fact: Mapping[str, Any]) -> None:
        self.ended.discard(fact["batch"])
        self.failed = {t: s for t, s in self.failed.items() if s.batch != fact["batch"]}

    def _gone(self, fact: Mapping[str, Any]) -> None:
        self._again(fact)
        self.batches.pop(fact["batch"], None)

    def _saved(self, fact: Mapping[str, Any]) -> None:
        self.failed.pop(fact["target"], None)
        self.saved[fact["target"]] = SavedPicture(fact["source"], fact["digest"], fact["sha256"])

    def _spoiled(self, fact: Mapping[str, Any]) -> None:
        known = {name: fact[name] for name in ("source", "digest", "reason", "batch")}
        self.failed[fact["target"]] = FailedPicture(**known, subject=fact.get("subject", ""))

    def owners(self) -> dict[str, str]:
        """Return which photo each known picture is of, by target."""
        failed = {target: entry.source for target, entry in self.failed.items()}
        return failed | {target: entry.source for target, entry in self.saved.items()}

    @property
    def targets(self) -> set[str]:
        """The paths of all pictures that runs saved, asked for, or saw fail."""
        asked = (target for items in self.batches.values() for target, _ in items.values())
        return {*self.saved, *self.failed, *asked}

    def facts(self) -> Iterator[dict[str, Any]]:
        """Yield the fewest facts from which this state can be read."""
        yield {"kind": "run", "options": self.run}
        blamed = {entry.batch for entry in self.failed.values()}
        for name, items in self.batches.items():
            if name in self.ended and name not in blamed:
                continue
            yield {"kind": "batch", "id": name}
            yield {"kind": "sent", "batch": name, "items": items}
            if name in self.ended:
                yield {"kind": "ended", "batch": name}
        for target, kept in self.saved.items():
            yield {"kind": "saved", "target": target, **asdict(kept)}
        for target, bad in self.failed.items():
            yield {"kind": "spoiled", "target": target, **asdict(bad)}
        if self.opening is not None:
            yield self.opening


class StateFile:
    """Locks an output folder for one process, and writes down what it does there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._holder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._lock = threading.Lock()
        self._hold()
        path = folder / FILE
        lines = path.read_bytes().splitlines() if path.exists() else []
        self.state = _read_state(lines)
        facts = list(self.state.facts())
        if not lines or len(lines) > 2 * len(facts) + SLACK_LINES:
            write_whole(path, b"".join(_line(fact) for fact in facts))
        self._file = path.open("ab", buffering=0)
        cut_off = lines and not path.read_bytes().endswith(b"\n")  # the end of a line was lost
        self._unwritten = b"\n" if cut_off else b""

    def _hold(self) -> None:
        try:
            fcntl.flock(self._holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._holder)
            raise FolderBusy(f"another `atelier batch` works on {self.folder}") from error

    def note(self, kind: str, **facts: Any) -> None:
        """Apply a fact and write it down, on a full disk together with a later one. For any thread."""
        fact = {"kind": kind, **facts}
        with self._lock:
            self.state.take(fact)
            self._unwritten += _line(fact)
        with suppress(OSError):
            self.write_down()

    def write_down(self) -> None:
        """Write what is not written yet; raise OSError where that cannot be done now."""
        with self._lock:
            while self._unwritten:
                self._unwritten = self._unwritten[self._file.write(self._unwritten) :]

    def close(self) -> None:
        """Unlock the folder. The next run finds out again what could not be written down."""
        with suppress(OSError):
            self.write_down()
        self._file.close()
        os.close(self._holder)


def _line(fact: Mapping[str, Any]) -> bytes:
    return json.dumps(fact, separators=(",", ":")).encode() + b"\n"


def _read_state(lines: list[bytes]) -> FolderState:
    """Return the state that the lines describe; a line that was cut off is ignored."""
    state = FolderState()
    for line in lines:
        try:
            state.take(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return state


@contextmanager
def known_state(folder: Path) -> Iterator[tuple[FolderState, Path]]:
    """Yield what is known of an output folder, and the folder; raise FolderBusy. Nothing is made there.

    Where it is not there, that is an empty one in its place.
    """
    if (folder / FILE).exists():
        with closing(StateFile(folder)) as state_file:
            yield state_file.state, folder
    elif folder.exists():
        yield FolderState(), folder
    else:
        with TemporaryDirectory() as empty:
            yield FolderState(), Path(empty)
