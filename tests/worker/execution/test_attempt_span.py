"""The spans of attempts: linked to their requests, with stages, micro-batches, retries and takeovers."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.trace import SpanKind

from shared.batches.batch import BatchDraft, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.cards.card import load_catalog
from shared.errors import CorruptImage, StoreUnavailable
from shared.identifiers import ANONYMOUS, new_batch_id, new_job_id
from shared.jobs.status import Status
from shared.jobs.submission import Submission
from shared.logs import JsonFormatter
from shared.setting_groups import BatchRules
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, resolve
from tests.support.tracing.spans import PARENT, SPAN_ID, TRACE_ID, Recorded, ids
from tests.worker.conftest import Bench

STAGES = ["load", "preprocess", "predict", "encode", "store"]


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def submitted(bench: Bench, trace: str = PARENT) -> str:
    spec = resolve(JOB_SPEC.validate_python({"type": "generate", "seeds": [1]}), load_catalog())
    draft = Submission(new_job_id(), ANONYMOUS, spec, "f", trace=trace, request_id="req_1")
    return bench.store.submit(draft).id


def handled(bench: Bench, recorded: Recorded, job_id: str) -> None:
    bench.runner(tracing=recorded.tracing).handle(job_id, Lane.INTERACTIVE)


def once(error: Exception) -> Callable[[], None]:
    steps = iter([error])

    def step() -> None:
        for found in steps:
            raise found

    return step


def test_an_attempt_is_linked_to_its_request_and_has_its_stages_below_it(
    bench: Bench, recorded: Recorded
) -> None:
    job_id = submitted(bench)
    handled(bench, recorded, job_id)
    attempt = recorded.one("run generate")
    assert (attempt.kind, attempt.parent) == (SpanKind.CONSUMER, None)
    assert [ids(link.context) for link in attempt.links] == [(TRACE_ID, SPAN_ID)]
    told = attempt.attributes or {}
    assert (told["atelier.job.id"], told["atelier.attempt"], told["messaging.destination.name"]) == (
        job_id,
        1,
        "interactive",
    )
    below = [span.name for span in recorded.spans if span.parent and ids(span.parent) == ids(attempt.context)]
    assert below == STAGES
    assert attempt.status.is_ok


def test_a_micro_batch_is_linked_to_the_jobs_that_it_draws(bench: Bench, recorded: Recorded) -> None:
    store, batch = BatchStore(bench.store, BatchRules()), new_batch_id()
    store.open(BatchDraft(batch, ANONYMOUS, BatchSettings(), "f", trace=PARENT, request_id="req_1"))
    raw = [{"type": "generate", "seeds": [seed]} for seed in range(3)]
    specs = [resolve(JOB_SPEC.validate_python(spec), load_catalog()) for spec in raw]
    store.append(batch, ANONYMOUS, [ItemDraft(str(n), spec) for n, spec in enumerate(specs)], first=0)
    store.finalize(batch, ANONYMOUS)
    bench.runner(tracing=recorded.tracing).handle(batch, Lane.BULK)
    attempts = recorded.named("run generate")
    assert len(attempts) == 3
    assert {ids(span.links[0].context) for span in attempts} == {(TRACE_ID, SPAN_ID)}
    assert {(span.attributes or {})["atelier.request.id"] for span in attempts} == {"req_1"}
    together = recorded.one("micro-batch")
    assert (together.attributes or {})["atelier.micro_batch.size"] == 3
    waiting = {ids(span.context) for span in recorded.named("predict")}
    assert {ids(link.context) for link in together.links} == waiting


def test_a_failure_has_the_code_of_its_error_and_nothing_else_of_it(bench: Bench, recorded: Recorded) -> None:
    bench.model.before = once(CorruptImage.of_field("/content", "secret words"))
    job_id = submitted(bench)
    handled(bench, recorded, job_id)
    for name in ("run generate", "predict"):
        span = recorded.one(name)
        assert (span.status.is_ok, span.status.description) == (False, "corrupt_image")
    assert "secret words" not in recorded.text()


def test_an_attempt_after_a_transient_error_says_that_it_is_a_retry(bench: Bench, recorded: Recorded) -> None:
    bench.model.before = once(StoreUnavailable("away"))
    job_id = submitted(bench)
    handled(bench, recorded, job_id)
    assert bench.job(job_id).status is Status.SUCCEEDED
    first, second = recorded.named("run generate")
    assert [event.name for event in first.events] == ["retry"]
    assert (first.status.is_ok, second.status.is_ok) == (False, True)
    (event,) = second.events
    assert event.name == "retry"
    assert dict(event.attributes or {}) == {
        "atelier.attempt": 1,
        "atelier.worker": "w1",
        "atelier.outcome": "transient",
        "error.type": "store_unavailable",
    }


def test_an_attempt_after_a_lost_worker_says_that_it_takes_over(bench: Bench, recorded: Recorded) -> None:
    job_id = submitted(bench)

    def lose() -> None:
        bench.model.before = lambda: None
        bench.store.client.zadd("atelier:leases", {job_id: 1})
        bench.store.reap()
        handled(bench, recorded, job_id)

    bench.model.before = lose
    handled(bench, recorded, job_id)
    second, first = recorded.named("run generate")  # in the order of their ends
    assert [event.name for event in second.events] == ["takeover"]
    assert [event.name for event in first.events] == ["attempt dropped"]
    assert {ids(span.links[0].context) for span in (first, second)} == {(TRACE_ID, SPAN_ID)}


@pytest.mark.parametrize("trace", ["", "spoiled"])
def test_a_job_without_a_trace_runs_with_a_span_that_is_linked_to_nothing(
    bench: Bench, recorded: Recorded, trace: str
) -> None:
    handled(bench, recorded, submitted(bench, trace))
    assert recorded.one("run generate").links == ()


class Lines(logging.Handler):
    """Lines as a log in JSON has them."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.events: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.events.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, log = Lines(), logging.getLogger("atelier.worker")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)


def test_lines_of_an_attempt_tell_what_it_is_about(bench: Bench, recorded: Recorded, lines: Lines) -> None:
    job_id = submitted(bench)
    handled(bench, recorded, job_id)
    bench.runner().handle(submitted(bench), Lane.INTERACTIVE)
    first, second = (event for event in lines.events if event["msg"] == "job succeeded")
    told = (first["job_id"], first["attempt"], first["owner"], first["request_id"])
    assert told == (job_id, 1, ANONYMOUS, "req_1")
    assert first["trace_id"] == ids(recorded.one("run generate").context)[0]
    assert second["trace_id"] == TRACE_ID  # where no span is recorded, that of the request
