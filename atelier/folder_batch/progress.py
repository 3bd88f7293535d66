"""What is wanted of a folder, what is under way, and what became of it."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from atelier.folder_batch.photo_check import Looked, Want
from atelier.folder_batch.scan import Unread

WINDOW_SECONDS = 60.0  # in which the rate is measured
LEAST_SECONDS = 1.0  # that a rate is taken over

Key = tuple[str, str]  # target and digest


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo, or a picture of one, that came to nothing."""

    source: str
    target: str  # "" where all pictures of the photo are concerned
    reason: str
    subject: str = ""  # the style or mask that is at fault, where the photo is not


class Pace:
    """How many things end in a second, lately."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque()  # moments

    def count(self) -> None:
        """Note that one has ended now."""
        self._ends.append(time.monotonic())

    @property
    def per_second(self) -> float:
        """The rate of the last minute; 0 where not two ended in it."""
        now = time.monotonic()
        while self._ends and self._ends[0] < now - WINDOW_SECONDS:
            self._ends.popleft()
        return max(0, len(self._ends) - 1) / max(LEAST_SECONDS, now - self._ends[0]) if self._ends else 0.0


@dataclass(frozen=True, slots=True)
class News:
    """How far a run is."""

    done: int  # pictures that need no more work, however they ended
    total: int  # pictures, as far as is known
    per_second: float
    failed: str = ""  # what `say_failed` returned
    to_read: int = 0  # photos that are not looked at yet


@dataclass(slots=True)
class RunState:
    """Belongs to one thread; others read `under_way` alone."""

    per_photo: int  # pictures that are made of each
    looking: int = 0  # photos that are not read yet
    kept: int = 0  # pictures that were there
    saved: int = 0  # pictures that came
    pending: dict[str, Want] = field(default_factory=dict)  # by target
    ready: deque[Want] = field(default_factory=deque)  # to be sent
    under_way: set[Key] = field(default_factory=set)  # sent, in this run or an earlier one
    failures: dict[str, Failure] = field(default_factory=dict)  # by target, or by photo
    unsent: set[str] = field(default_factory=set)  # photos among the failures, of which nothing is made
    strangers: dict[str, str] = field(default_factory=dict)  # files that are no pictures, and why
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)  # codes, by photo
    pace: Pace = field(default_factory=Pace)

    @property
    def done(self) -> int:
        """Pictures that need no more work, however they ended."""
        return self.kept + self.saved + len(self.failures) - len(self.unsent)

    @property
    def total(self) -> int:
        """Pictures that are wanted, as far as is known."""
        return self.done + len(self.pending) + self.looking * self.per_photo

    @property
    def news(self) -> News:
        """How far the run is."""
        return News(self.done, self.total, self.pace.per_second, self.say_failed(), self.looking)

    def say_failed(self) -> str:
        """Return how many failures there are, and how many of them are photos, which `done` leaves out."""
        photos = len(self.unsent)
        unsent = f" ({photos} {'photo' if photos == 1 else 'photos'} not sent)" if photos else ""
        return f"{len(self.failures)} failed{unsent}" if self.failures else ""

    def take(self, looked: Looked) -> None:
        """Enter what was found out about a photo."""
        self.looking -= 1
        self.failures.pop(looked.photo.name, None)
        self.unsent.discard(looked.photo.name)
        if looked.unread:
            self.fail_photo(Unread(looked.photo.name, looked.unread))
        if looked.stranger:
            self.strangers[looked.photo.name] = looked.stranger
        self.kept += len(looked.kept)
        for bad in looked.spoiled:
            self.failures[bad.want.target] = Failure(
                bad.want.source, bad.want.target, bad.reason, bad.subject
            )
        for want in (*looked.under_way, *looked.new):
            self.failures.pop(want.target, None)
            self.pending[want.target] = want
        self.ready += looked.new

    def fail_photo(self, unread: Unread) -> None:
        """Note that nothing can be made of a photo."""
        self.unsent.add(unread.name)
        self.failures[unread.name] = Failure(unread.name, "", unread.reason)

    def page(self, most: int) -> list[Want]:
        """Take wants to be sent: each that is still wanted, no target twice."""
        page: dict[str, Want] = {}
        while self.ready and len(page) < most:
            want = self.ready.popleft()
            if self.wants(want.key) and want.key not in self.under_way:
                page[want.target] = want
        self.under_way |= {want.key for want in page.values()}
        return list(page.values())

    def wants(self, key: Key) -> bool:
        """Whether a picture is waited for, made of the photo as it is now."""
        want = self.pending.get(key[0])
        return want is not None and want.key == key

    def end(self, want: Want, reason: str = "", subject: str = "") -> None:
        """Note that a picture is saved, or why there will be none."""
        self.under_way.discard(want.key)
        if not self.wants(want.key):
            return
        del self.pending[want.target]
        self.pace.count()
        if reason:
            self.failures[want.target] = Failure(want.source, want.target, reason, subject)
        else:
            self.saved += 1

    def give_up(self, wants: Sequence[Want], reason: str) -> None:
        """Note that pictures will not come."""
        for want in wants:
            self.end(want, reason)
