"""The state of a run over a folder: the pictures that are wanted, in flight, saved and failed."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from atelier.client.batch import Batch
from atelier.display.progress_bar import RunProgress
from atelier.folder_batch.photo_check import CheckedPhoto, WantedPicture
from atelier.folder_batch.scan import Unread

WINDOW_SECONDS = 60.0  # in which the rate is measured
LEAST_SECONDS = 1.0  # that a rate is taken over

Key = tuple[str, str]  # target and digest


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo, or a picture of one, that failed."""

    source: str
    target: str  # "" for all pictures of the photo
    reason: str
    subject: str = ""  # the style or mask that is at fault, where the photo is not


class Throughput:
    """Counts how many pictures end in a second."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque()  # monotonic times

    def count(self) -> None:
        """Note that a picture has ended now."""
        self._ends.append(time.monotonic())

    @property
    def per_second(self) -> float:
        """The rate of the last minute; 0 where fewer than two ended in it."""
        now = time.monotonic()
        while self._ends and self._ends[0] < now - WINDOW_SECONDS:
            self._ends.popleft()
        return max(0, len(self._ends) - 1) / max(LEAST_SECONDS, now - self._ends[0]) if self._ends else 0.0


@dataclass(slots=True)
class RunState:
    """For one thread; others read only `in_flight`."""

    per_photo: int  # pictures that are made of each
    unchecked: int = 0  # photos
    kept: int = 0  # pictures that were there before the run
    saved: int = 0  # pictures of this run
    pending: dict[str, WantedPicture] = field(default_factory=dict)  # by target
    ready: deque[WantedPicture] = field(default_factory=deque)  # to be sent
    in_flight: set[Key] = field(default_factory=set)  # sent, in this run or an earlier one
    failures: dict[str, Failure] = field(default_factory=dict)  # by target, or by photo
    unsent: set[str] = field(default_factory=set)  # photos among the failures, of which nothing is made
    non_images: dict[str, str] = field(default_factory=dict)  # reasons, by file
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)  # codes, by photo
    throughput: Throughput = field(default_factory=Throughput)
    paused: set[str] = field(default_factory=set)  # ids of batches that somebody has paused
    stopped: Batch | None = None  # the batch that its brake or its sample has paused

    @property
    def done(self) -> int:
        """Pictures that need no more work, however they ended."""
        return self.kept + self.saved + len(self.failures) - len(self.unsent)

    @property
    def total(self) -> int:
        """Pictures that are wanted, as far as is known."""
        return self.done + len(self.pending) + self.unchecked * self.per_photo

    @property
    def progress(self) -> RunProgress:
        """How far the run is."""
        return RunProgress(
            self.done,
            self.total,
            self.throughput.per_second,
            self.say_failed(),
            self.unchecked,
            is_paused=bool(self.paused),
        )

    def say_failed(self) -> str:
        """Return how many failures there are, and how many of them are photos, which `done` leaves out."""
        photos = len(self.unsent)
        unsent = f" ({photos} {'photo' if photos == 1 else 'photos'} not sent)" if photos else ""
        return f"{len(self.failures)} failed{unsent}" if self.failures else ""

    def take(self, checked: CheckedPhoto) -> None:
        """Add what the check of a photo found."""
        self.unchecked -= 1
        self.failures.pop(checked.photo.name, None)
        self.unsent.discard(checked.photo.name)
        if checked.unread:
            self.fail_photo(Unread(checked.photo.name, checked.unread))
        if checked.not_an_image:
            self.non_images[checked.photo.name] = checked.not_an_image
        self.kept += len(checked.kept)
        for bad in checked.failed:
            self.failures[bad.wanted.target] = Failure(
                bad.wanted.source, bad.wanted.target, bad.reason, bad.subject
            )
        for wanted in (*checked.in_flight, *checked.new):
            self.failures.pop(wanted.target, None)
            self.pending[wanted.target] = wanted
        self.ready += checked.new

    def fail_photo(self, unread: Unread) -> None:
        """Note that nothing can be made of a photo."""
        self.unsent.add(unread.name)
        self.failures[unread.name] = Failure(unread.name, "", unread.reason)

    def page(self, most: int) -> list[WantedPicture]:
        """Take pictures from `ready` that are still wanted, no target twice, to be sent in one request."""
        page: dict[str, WantedPicture] = {}
        while self.ready and len(page) < most:
            wanted = self.ready.popleft()
            if self.is_wanted(wanted.key) and wanted.key not in self.in_flight:
                page[wanted.target] = wanted
        self.in_flight |= {wanted.key for wanted in page.values()}
        return list(page.values())

    def is_wanted(self, key: Key) -> bool:
        """Whether a picture is pending, made of the photo as it is now."""
        wanted = self.pending.get(key[0])
        return wanted is not None and wanted.key == key

    def end(self, wanted: WantedPicture, reason: str = "", subject: str = "") -> None:
        """Note that a picture is saved, or why there will be none."""
        self.in_flight.discard(wanted.key)
        if not self.is_wanted(wanted.key):
            return
        del self.pending[wanted.target]
        self.throughput.count()
        if reason:
            self.failures[wanted.target] = Failure(wanted.source, wanted.target, reason, subject)
        else:
            self.saved += 1

    def give_up(self, pictures: Sequence[WantedPicture], reason: str) -> None:
        """Note that pictures will not come."""
        for wanted in pictures:
            self.end(wanted, reason)

    def note_pause(self, batch: str, *, paused: bool) -> None:
        """Note that somebody has paused a batch, or that it goes on."""
        (self.paused.add if paused else self.paused.discard)(batch)
