"""Natural micro-batches: a free runner takes every waiting request that fits, and waits for no more."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from shared.errors import JobCanceled

Run = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(eq=False, slots=True)
class Request:
    """One call of a model for one job."""

    bucket: tuple[Any, ...]  # requests of one bucket may run together: same model, same shape
    payload: Any
    run: Run  # takes payloads of one bucket, returns as many results
    weight: int = 1  # how much of the limit it takes
    limit: int = 1  # most weight in one call
    alone: bool = False  # a job that crashed a worker before must not take others with it
    wanted: Callable[[], bool] = lambda: True
    future: "Future[Any]" = field(default_factory=Future)


class Batcher:
    """A few threads that run models for everybody in this process."""

    def __init__(self, runners: int) -> None:
        self._waiting: deque[Request] = deque()
        self._changed = threading.Condition()
        for number in range(runners):
            threading.Thread(target=self._serve, name=f"runner-{number}", daemon=True).start()

    def call(self, request: Request) -> Any:
        """Run a request, with others where that helps; return its own result or raise its own error."""
        with self._changed:
            self._waiting.append(request)
            self._changed.notify()
        return request.future.result()

    def _serve(self) -> None:
        while True:
            _run_batch(self._take())

    def _take(self) -> list[Request]:
        """Wait for a request; return it with all waiting ones that fit."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            first = self._waiting.popleft()
            batch, weight = [first], first.weight
            for other in [] if first.alone else list(self._waiting):
                if _fits(other, first, weight):
                    self._waiting.remove(other)
                    batch.append(other)
                    weight += other.weight
            return batch


def _fits(other: Request, first: Request, weight: int) -> bool:
    return not other.alone and other.bucket == first.bucket and weight + other.weight <= first.limit


def _run_batch(batch: list[Request]) -> None:
    batch = [request for request in batch if _still_wanted(request)]
    if not batch:
        return
    try:
        results = batch[0].run([request.payload for request in batch])
    except BaseException as error:  # noqa: BLE001  (whatever a model raises belongs to the job that caused it)
        _bisect(batch, error)
        return
    for request, result in zip(batch, results, strict=True):
        request.future.set_result(result)


def _still_wanted(request: Request) -> bool:
    if request.wanted():
        return True
    request.future.set_exception(JobCanceled("the job was withdrawn before its model ran"))
    return False


def _bisect(batch: list[Request], error: BaseException) -> None:
    """Find the request that raises by halves, so that only it fails."""
    if len(batch) == 1:
        batch[0].future.set_exception(error)
        return
    middle = len(batch) // 2
    _run_batch(batch[:middle])
    _run_batch(batch[middle:])
