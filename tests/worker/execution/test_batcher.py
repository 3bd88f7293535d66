import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.jobs.status import JobCanceled
from worker.execution.batcher import PATIENCE_SECONDS, Batcher, BatchGroup, BatchSlot, Request


class Network:
    """Doubles numbers; the first call holds the runner until `gate` opens, so that others must wait."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.started = threading.Event()
        self.calls: list[list[Any]] = []

    def run(self, payloads: Sequence[Any]) -> list[Any]:
        self.calls.append(list(payloads))
        self.started.set()
        assert self.gate.wait(10)
        if "bad" in payloads:
            raise ValueError("bad item")
        return [payload * 2 for payload in payloads]


def serve(network: Network, requests: list[Request]) -> list[Any]:
    """Occupy the only runner, let all wait behind it, then open the gate; return results or errors."""
    batcher = Batcher(runners=1)
    with ThreadPoolExecutor(len(requests) + 1) as pool:
        first = pool.submit(batcher.call, Request(("plug",), 0, network.run))
        assert network.started.wait(10)
        calls = []
        for number, request in enumerate(requests):
            calls.append(pool.submit(batcher.call, request))
            while len(batcher._waiting) <= number:
                pass
        network.gate.set()
        first.result(10)
        return [call.exception(10) or call.result() for call in calls]


def request(network: Network, payload: Any, **options: Any) -> Request:
    return Request(options.pop("bucket", ("m",)), payload, network.run, limit=16, **options)


def test_waiting_requests_of_one_bucket_run_together() -> None:
    network = Network()
    assert serve(network, [request(network, n) for n in (1, 2, 3)]) == [2, 4, 6]
    assert network.calls[1:] == [[1, 2, 3]]


def test_buckets_stay_apart() -> None:
    network = Network()
    requests = [request(network, 1), request(network, 2, bucket=("n",)), request(network, 3)]
    assert serve(network, requests) == [2, 4, 6]
    assert network.calls[1:] == [[1, 3], [2]]


def test_a_call_never_exceeds_the_limit() -> None:
    network = Network()
    requests = [request(network, n, weight=7) for n in (1, 2, 3)]
    assert serve(network, requests) == [2, 4, 6]
    assert network.calls[1:] == [[1, 2], [3]]


def test_a_request_that_must_be_alone_is_alone() -> None:
    network = Network()
    requests = [request(network, 1), request(network, 2, alone=True), request(network, 3)]
    assert serve(network, requests) == [2, 4, 6]
    assert network.calls[1:] == [[1, 3], [2]]


def test_only_the_bad_item_of_a_batch_fails() -> None:
    network = Network()
    results = serve(network, [request(network, item) for item in (1, 2, "bad", 4, 5)])
    assert isinstance(results.pop(2), ValueError)
    assert results == [2, 4, 8, 10]


def test_what_nobody_wants_any_more_is_not_run() -> None:
    network = Network()
    (result,) = serve(network, [request(network, 1, wanted=lambda: False)])
    assert isinstance(result, JobCanceled)
    assert network.calls == [[0]]


def test_a_runner_survives_an_error() -> None:
    network = Network()
    network.gate.set()
    batcher = Batcher(runners=1)
    with pytest.raises(ValueError, match="bad item"):
        batcher.call(request(network, "bad"))
    assert batcher.call(request(network, 3)) == 6


def test_urgent_requests_go_first() -> None:
    network = Network()
    requests = [request(network, n, bucket=(n,), urgent=n > 2) for n in (1, 2, 3, 4)]
    assert serve(network, requests) == [2, 4, 6, 8]
    assert network.calls[1:] == [[3], [4], [1], [2]]


def test_a_request_that_waited_for_long_is_as_urgent_as_others() -> None:
    network = Network()
    requests = [request(network, n, bucket=(n,), urgent=n > 2) for n in (1, 2, 3)]
    requests[0].since -= PATIENCE_SECONDS
    assert serve(network, requests) == [2, 4, 6]
    assert network.calls[1:] == [[1], [3], [2]]


def test_a_meeting_runs_together_however_free_the_runners_are() -> None:
    network, group = Network(), BatchGroup(3)
    network.gate.set()
    batcher = Batcher(runners=2)
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(batcher.call, request(network, n), BatchSlot(group)) for n in (1, 2, 3)]
        assert [call.result(10) for call in calls] == [2, 4, 6]
    assert [sorted(call) for call in network.calls] == [[1, 2, 3]]


def test_a_meeting_goes_on_without_those_who_leave() -> None:
    network, group = Network(), BatchGroup(3)
    network.gate.set()
    batcher, slots = Batcher(runners=1), [BatchSlot(group) for _ in range(3)]
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(batcher.call, request(network, n), slots[n]) for n in (0, 1)]
        batcher.leave(slots[2])
        assert [call.result(10) for call in calls] == [0, 2]
    assert [sorted(call) for call in network.calls] == [[0, 1]]


def test_one_who_met_already_runs_at_once_and_leaves_nobody_waiting() -> None:
    network, slot = Network(), BatchSlot(BatchGroup(1))
    network.gate.set()
    batcher = Batcher(runners=1)
    assert batcher.call(request(network, 1), slot) == 2
    assert batcher.call(request(network, 2), slot) == 4
    batcher.leave(slot)
    batcher.leave(slot)
    assert network.calls == [[1], [2]]
