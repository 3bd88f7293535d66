"""What a run knows of its output folder, a line a fact: it survives whatever ends the process."""

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from atelier.client.downloads import write_whole
from atelier.client.errors import ClientError

FILE = ".atelier-batch.jsonl"
SLACK_LINES = 1000  # that say nothing new and may stay


class FolderBusy(ClientError):
    """Raised when another `atelier batch` works on the output folder."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture that was saved."""

    source: str  # photo
    digest: str  # of all that the picture depends on
    sha256: str  # of the picture


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A picture that the service could not make."""

    source: str
    digest: str
    reason: str
    batch: str
    subject: str = ""  # the style or mask that is at fault, where the photo is not


@dataclass(slots=True)
class Memory:
    """The facts of a journal, put together."""

    run: dict[str, Any] = field(default_factory=dict)  # how the folder is made
    opening: dict[str, Any] | None = None  # a batch that may exist: what is sent to find out
    batches: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)  # custom id: target, digest
    ended: set[str] = field(default_factory=set)  # batches whose results are all here
    saved: dict[str, Kept] = field(default_factory=dict)  # by target
    spoiled: dict[str, Spoiled] = field(default_factory=dict)  # by target

    def take(self, fact: Mapping[str, Any]) -> None:
        """Learn a fact."""
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
        self.spoiled = {t: s for t, s in self.spoiled.items() if s.batch != fact["batch"]}

    def _gone(self, fact: Mapping[str, Any]) -> None:
        self._again(fact)
        self.batches.pop(fact["batch"], None)

    def _saved(self, fact: Mapping[str, Any]) -> None:
        self.spoiled.pop(fact["target"], None)
        self.saved[fact["target"]] = Kept(fact["source"], fact["digest"], fact["sha256"])

    def _spoiled(self, fact: Mapping[str, Any]) -> None:
        known = {name: fact[name] for name in ("source", "digest", "reason", "batch")}
        self.spoiled[fact["target"]] = Spoiled(**known, subject=fact.get("subject", ""))

    def owners(self) -> dict[str, str]:
        """Return which photo each known picture is of, by target."""
        spoiled = {target: entry.source for target, entry in self.spoiled.items()}
        return spoiled | {target: entry.source for target, entry in self.saved.items()}

    @property
    def targets(self) -> set[str]:
        """The paths of all pictures that runs saved, asked for, or saw fail."""
        asked = (target for items in self.batches.values() for target, _ in items.values())
        return {*self.saved, *self.spoiled, *asked}

    def facts(self) -> Iterator[dict[str, Any]]:
        """Yield the fewest facts that say all of this."""
        yield {"kind": "run", "options": self.run}
        blamed = {entry.batch for entry in self.spoiled.values()}
        for name, items in self.batches.items():
            if name in self.ended and name not in blamed:
                continue
            yield {"kind": "batch", "id": name}
            yield {"kind": "sent", "batch": name, "items": items}
            if name in self.ended:
                yield {"kind": "ended", "batch": name}
        for target, kept in self.saved.items():
            yield {
                "kind": "saved",
                "target": target,
                "source": kept.source,
                "digest": kept.digest,
                "sha256": kept.sha256,
            }
        for target, bad in self.spoiled.items():
            yield {"kind": "spoiled", "target": target, **asdict(bad)}
        if self.opening is not None:
            yield self.opening


class StateFile:
    """Holds an output folder for one process, and writes down what it does there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._holder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._lock = threading.Lock()
        self._hold()
        path = folder / FILE
        lines = path.read_bytes().splitlines() if path.exists() else []
        self.memory = _remembered(lines)
        facts = list(self.memory.facts())
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
        """Learn a fact and write it down, where the disk is full with a later one. Any thread may."""
        fact = {"kind": kind, **facts}
        with self._lock:
            self.memory.take(fact)
            self._unwritten += _line(fact)
        with suppress(OSError):
            self.write_down()

    def write_down(self) -> None:
        """Write what is not written yet; raise OSError where that cannot be done now."""
        with self._lock:
            while self._unwritten:
                self._unwritten = self._unwritten[self._file.write(self._unwritten) :]

    def close(self) -> None:
        """Let the folder go. What could not be written down is found out again in the next run."""
        with suppress(OSError):
            self.write_down()
        self._file.close()
        os.close(self._holder)


def _line(fact: Mapping[str, Any]) -> bytes:
    return json.dumps(fact, separators=(",", ":")).encode() + b"\n"


def _remembered(lines: list[bytes]) -> Memory:
    """Return what the lines say; one that was cut off says nothing."""
    memory = Memory()
    for line in lines:
        try:
            memory.take(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return memory
