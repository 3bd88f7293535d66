"""A history before it happens: who asks for what and when, what breaks and when. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.clients.requests import JobRequest, Pool

MODEL_WORKERS = ("worker", "worker-2")
PROXIED = ("api", *MODEL_WORKERS)  # processes whose connection to the server leads through a proxy
CLOCKED = (*PROXIED, "worker-io")  # processes whose clock may be wrong


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a run is."""

    jobs: int
    seconds: float  # over which jobs and faults are spread
    lease_seconds: float
    has_disk: bool = True  # whether the storage folder may be filled up
    poisons: int = 1  # jobs that kill their workers, at most 2
    has_trials: bool = True  # whether times are measured after the storm
    has_sentinels: bool = False  # whether Sentinels watch a primary and a replica; else there is one server
    has_bucket: bool = False  # whether results lie in a bucket, which breaks too


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks."""

    at: float  # seconds after the load begins
    kind: str  # a name of `tests.chaos.faults.KINDS`
    target: str = ""  # a process, where the fault has one
    seconds: float = 0.0  # how long, where it does not just strike


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One job that a client wants, and what the client does about it."""

    number: int
    at: float  # seconds after the load begins
    request: JobRequest
    lane: str
    by_id: bool  # PUT under an id that the client chose; otherwise POST with an Idempotency-Key
    copies: int  # requests at once
    gives_up_first: bool  # a first try whose response the client does not wait for
    cancel_after: float | None
    is_deleted: bool  # forgotten by the client once it is done
    is_followed: bool  # by server-sent events
    is_polled: bool  # until it is done
    batch: int | None = None  # the number of the batch that it is an item of
    move_after: float | None = None  # seconds, after which it is moved in the queue, if it waits
    parent: int | None = None  # the number of the order whose picture it paints


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """Many jobs that a client sends as one batch, and what it does about them."""

    number: int
    at: float  # seconds after the load begins
    orders: tuple[Order, ...]  # the items, by index
    lane: str
    copies: int  # requests at once with one Idempotency-Key
    gives_up_first: bool  # a first try whose response the client does not wait for
    pause_after: float | None  # seconds, after which the batch is paused for a moment
    move_after: float | None = None  # seconds, after which it is moved in the queue
    sample: int | None = None  # items after which it pauses, until the client goes on
    has_brake: bool = False  # it pauses when an item fails, until the client goes on


@dataclass(frozen=True, slots=True)
class Intervention:
    """What an operator does for a time."""

    number: int
    at: float  # seconds after the load begins
    kind: str  # pause, cordon or drain
    seconds: float
    lane: str = ""  # of a pause; "" for everything


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault alone, after the storm, with jobs for it to hit: that is what times are measured by."""

    orders: tuple[Order, ...]  # their times count from the trial's beginning
    fault: Fault  # strikes as soon as there is something to lose


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a seed decides."""

    seed: int
    scale: Scale
    pool: Pool
    orders: tuple[Order, ...]  # of the storm, by time
    faults: tuple[Fault, ...]  # of the storm, by time
    trials: tuple[Trial, ...]  # after it, one by one
    clocks: Mapping[str, float]  # seconds by which a process's clock is wrong
    batches: tuple[BatchOrder, ...] = ()  # of the storm, by time
    actions: tuple[float, ...] = ()  # when all that waits is moved to the back by one action
    interventions: tuple[Intervention, ...] = ()  # of the storm, by time

    @property
    def stormy_orders(self) -> tuple[Order, ...]:
        """All jobs of the storm, alone and in batches."""
        return (*self.orders, *(item for batch in self.batches for item in batch.orders))
