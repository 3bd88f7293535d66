"""Natural micro-batches: a free runner takes every waiting request that fits, and waits for no more."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shared.jobs.status import JobCanceled
from shared.tracing.spans import NO_SPAN, Span, current_span

Payload = TypeVar("Payload")
Result = TypeVar("Result")

PATIENCE_SECONDS = 2.0  # for which a request lets urgent ones go first: then it is as urgent


@dataclass(eq=False, slots=True)
class Request(Generic[Payload, Result]):
    """One call of a model for one job."""

    bucket: tuple[object, ...]  # requests of one bucket may run together: same model, same shape
    payload: Payload
    run: Callable[[Sequence[Payload]], Sequence[Result]]  # payloads of one bucket to as many results
    weight: int = 1  # how much of the limit it takes
    limit: int = 1  # most weight in one call
    model: str = ""  # its name, for the metrics
    alone: bool = False  # a job that crashed a worker before must not take others with it
    urgent: bool = False  # a client waits for it
    wanted: Callable[[], bool] = lambda: True
    future: Future[Result] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)
    span: Span = NO_SPAN  # of the job's stage that waits for it

    def is_urgent(self, now: float) -> bool:
        """Whether it goes before those that are not."""
        return self.urgent or now - self.since > PATIENCE_SECONDS


AnyRequest = Request[Any, Any]  # of any model


class BatchGroup:
    """Jobs that were claimed together: the first requests of all of them run together."""

    def __init__(self, members: int) -> None:
        self._missing = members
        self._requests: list[AnyRequest] = []
        self._lock = threading.Lock()

    def add(self, request: AnyRequest | None) -> list[AnyRequest]:
        """Take a member's request, or None for none; return all requests once every member was here."""
        with self._lock:
            self._missing -= 1
            if request is not None:
                self._requests.append(request)
            return [] if self._missing else self._requests


class BatchSlot:
    """One member's place in a group, or a slot without a group. For one thread."""

    def __init__(self, group: BatchGroup | None = None) -> None:
        self._group = group

    def take(self, request: AnyRequest | None) -> list[AnyRequest]:
        """Return the requests to run now: the first one waits for the other members', later ones for none."""
        group, self._group = self._group, None
        if group is not None:
            return group.add(request)
        return [] if request is None else [request]


class Batcher:
    """A few threads that run models for all jobs of this process."""

    def __init__(self, runners: int, on_call: Callable[[str, int], None] = lambda _, __: None) -> None:
        """`on_call` is told of each call that takes several requests: the model, and how many it took."""
        self._on_call = on_call
        self._waiting: list[AnyRequest] = []
        self._changed = threading.Condition()
        for number in range(runners):
            threading.Thread(target=self._serve, name=f"runner-{number}", daemon=True).start()

    def call(self, request: Request[Any, Result], slot: BatchSlot | None = None) -> Result:
        """Run a request, with others where that helps; return its own result or raise its own error.

        With a slot in a group it waits for the other members, each of which must call or leave.
        """
        request.span = current_span()
        self._enter((slot or BatchSlot()).take(request))
        return request.future.result()

    def leave(self, slot: BatchSlot) -> None:
        """Let the others of a group go on without this member; does nothing where it called already."""
        self._enter(slot.take(None))

    def _enter(self, requests: Sequence[AnyRequest]) -> None:
        with self._changed:
            self._waiting.extend(requests)
            self._changed.notify(len(requests))

    def _serve(self) -> None:
        while True:
            batch = self._take()
            if batch[0].limit > 1:
                self._on_call(batch[0].model, len(batch))
            _run_batch(batch)

    def _take(self) -> list[AnyRequest]:
        """Wait for a request; return it with all waiting ones that fit."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            first = self._first()
            self._waiting.remove(first)
            batch, weight = [first], first.weight
            for other in [] if first.alone else list(self._waiting):
                if _fits(other, first, weight):
                    self._waiting.remove(other)
                    batch.append(other)
                    weight += other.weight
            return batch

    def _first(self) -> AnyRequest:
        """Return the urgent request that waits longest, or the one that waits longest of all."""
        now = time.monotonic()
        return next((request for request in self._waiting if request.is_urgent(now)), self._waiting[0])


def _fits(other: AnyRequest, first: AnyRequest, weight: int) -> bool:
    return not other.alone and other.bucket == first.bucket and weight + other.weight <= first.limit


def _run_batch(batch: list[AnyRequest]) -> None:
    batch = [request for request in batch if _still_wanted(request)]
    if not batch:
        return
    try:
        with _span_of(batch).running():
            results = batch[0].run([request.payload for request in batch])
    except BaseException as error:  # noqa: BLE001  (what a model raises belongs to the job that caused it)
        _bisect(batch, error)
        return
    for request, result in zip(batch, results, strict=True):
        request.future.set_result(result)


def _span_of(batch: Sequence[AnyRequest]) -> Span:
    """Return the span of a call; none for a request that is never joined by others: its stage says all."""
    if batch[0].alone:
        return NO_SPAN
    sizes = {
        "atelier.micro_batch.size": len(batch),
        "atelier.micro_batch.weight": sum(r.weight for r in batch),
    }
    return batch[0].span.together("micro-batch", [request.span for request in batch], sizes)


def _still_wanted(request: AnyRequest) -> bool:
    if request.wanted():
        return True
    request.future.set_exception(JobCanceled("the job was withdrawn before its model ran"))
    return False


def _bisect(batch: list[AnyRequest], error: BaseException) -> None:
    """Find the request that raises by halves, so that only it fails."""
    if len(batch) == 1:
        batch[0].future.set_exception(error)
        return
    middle = len(batch) // 2
    _run_batch(batch[:middle])
    _run_batch(batch[middle:])
