"""What is true after a run, as data: each job's record, events and bytes. The oracle judges these alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.clients.ledger import BatchEntry, Entry, Held
from tests.chaos.plan import Plan

WORKER_LOST = "worker_lost"
Outcome = tuple[str, ...]  # sha256 of each output of a job, in order


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a job's stream."""

    id: str  # the server's milliseconds, "-", a number
    kind: str
    data: Mapping[str, Any]

    @property
    def milliseconds(self) -> int:
        """When it happened, by the server's clock."""
        return int(self.id.partition("-")[0])


@dataclass(frozen=True, slots=True)
class Claim:
    """The beginning of an attempt."""

    milliseconds: int  # by the server's clock
    pid: int  # of the worker; 0 where the record does not tell
    worker: str = ""  # its name


@dataclass(frozen=True, slots=True)
class JobFacts:
    """One job at the end of the run."""

    id: str
    response: int  # HTTP status of GET
    status: str  # "" where there is no record
    attempt: int = 0
    released: int = 0
    failures: int = 0
    crashes: int = 0
    error: str = ""  # its code
    outputs: Outcome = ()  # as the record names them
    served: Outcome = ()  # as the bytes are that the API gives
    keys: tuple[str, ...] = ()  # of the outputs in storage
    events: tuple[Happening, ...] = ()
    claims: tuple[Claim, ...] = ()
    completed: int | None = None  # milliseconds, by the server's clock

    @property
    def counts(self) -> str:
        """How attempts ended that did not end the job, in words."""
        return f"crashes {self.crashes}, failures {self.failures}, released {self.released}"

    @property
    def spent(self) -> int:
        """How many these are; with the last one, where `was_ended_by_counting`."""
        return self.crashes + self.failures + self.released

    @property
    def was_ended_by_counting(self) -> bool:
        """Whether the last crash, or failure, ended the job instead of putting it back."""
        return self.status == "failed" and self.error in (WORKER_LOST, "attempts_exhausted")

    @property
    def states(self) -> list[Happening]:
        """The events that tell a status."""
        return [event for event in self.events if event.kind == "state"]


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """One batch at the end of the run."""

    id: str
    response: int  # HTTP status of GET
    status: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)  # of items, by status
    finished: tuple[str, ...] = ()  # ids of the items' jobs, in the order in which they ended


@dataclass(frozen=True, slots=True)
class Facts:
    """A whole run."""

    plan: Plan
    entries: Mapping[int, Entry]
    jobs: Mapping[str, JobFacts]  # by id: every job that the ledger names
    calm: Mapping[str, Outcome]  # by request: what a calm run gave
    stored: frozenset[str] = frozenset()  # every key below outputs/ in storage
    doomed: tuple[str, ...] = field(default_factory=tuple)  # keys and prefixes on the garbage list
    batch_entries: Mapping[int, BatchEntry] = field(default_factory=dict)
    batches: Mapping[str, BatchFacts] = field(default_factory=dict)  # by id
    actions: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)  # as last seen, by number
    held: tuple[Held, ...] = ()  # times in which something was not to start
