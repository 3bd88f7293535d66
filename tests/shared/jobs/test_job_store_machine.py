"""Two workers, a reaper and a client make random moves, legal or not; a model says what each must lead to."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from shared.errors import AtelierError, CorruptImage, IllegalMove, JobGone, JobNotFound, StorageUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Progress
from shared.jobs.queries import JobQueries
from shared.jobs.status import TRANSITIONS, DeadlineExceeded, JobCanceled, LeaseLost, Status
from shared.jobs.store import JobStore
from shared.redis.client import Client
from shared.setting_groups import JobRules
from shared.specs.parts import Lane
from tests.support.jobs.chain_steps import output_of, painting
from tests.support.jobs.job_steps import OUTPUT, lapse, pass_deadline, submit, urgent

RULES = JobRules(lease_seconds=300, max_attempts=2, crash_budget=3, backoff_seconds=0, max_events=1024)
STOPPED: dict[Status | None, type[LeaseLost]] = {
    Status.CANCELED: JobCanceled,
    Status.EXPIRED: DeadlineExceeded,
}
Handed = tuple[str, int]  # a job's id and an attempt's number, as some worker has or had it


@dataclass
class Expected:
    """What must be true of one job."""

    has_deadline: bool
    status: Status | None = Status.QUEUED  # None: forgotten
    attempt: int = 0
    worker: str = ""
    released: int = 0
    failures: int = 0
    crashes: int = 0
    lapsed: bool = False  # its lease has run out
    late: bool = False  # its deadline has passed
    history: list[tuple[int, str, str]] = field(default_factory=list)
    parent: str = ""  # the job whose output it takes
    waits: bool = False  # for its parent

    @property
    def open(self) -> bool:
        return self.status in TRANSITIONS

    @property
    def suspect(self) -> bool:
        return self.crashes > 1  # it may have killed its workers: no worker runs two of these at once

    def end(self, outcome: str, status: Status) -> None:
        if self.status is Status.RUNNING:
            self.history.append((self.attempt, self.worker, outcome))
        self.status, self.lapsed, self.waits = status, False, False


class Machine(RuleBasedStateMachine):
    """Makes the moves and compares."""

    jobs = Bundle("jobs")
    handed = Bundle("handed")

    def __init__(self, client: Client) -> None:
        super().__init__()
        client.flushall()
        self.client = client
        self.store = JobStore(client, RULES)
        self.queries = JobQueries(self.store)
        self.expected: dict[str, Expected] = {}
        self.final: dict[str, dict[str, str]] = {}  # records of jobs that are done, as first seen

    @rule(target=jobs, deadline=st.booleans(), lane=st.sampled_from(Lane))
    def submit(self, deadline: bool, lane: Lane) -> str:
        update = {"lane": lane, "deadline_seconds": 60 if deadline else None}
        job_id = submit(self.store, spec=urgent().model_copy(update=update))
        self.expected[job_id] = Expected(deadline)
        return job_id

    @rule(target=jobs, parent=jobs, deadline=st.booleans())
    def submit_child(self, parent: str, deadline: bool) -> Any:
        update = {"deadline_seconds": 60 if deadline else None}
        spec = painting(output_of(parent), model="mnist-dcgan").model_copy(update=update)
        of = self.expected[parent]
        if of.status is None:
            with pytest.raises(JobNotFound):
                submit(self.store, spec=spec)
            return multiple()
        job_id = submit(self.store, spec=spec)
        want = self.expected[job_id] = Expected(deadline, parent=parent, waits=of.open)
        if not of.open and of.status is not Status.SUCCEEDED:
            want.end("", Status.FAILED)
        return job_id

    def end(self, job_id: str, outcome: str, status: Status) -> None:
        """End a job, and with it, where it made no picture, all that wait for one."""
        self.expected[job_id].end(outcome, status)
        if self.expected[job_id].open:
            return
        for child, want in self.expected.items():
            if want.parent == job_id and want.waits:
                want.waits = False
                if status is not Status.SUCCEEDED:
                    self.end(child, "", Status.FAILED)

    @rule(target=handed, job_id=jobs, worker=st.sampled_from(["w1", "w2"]))
    def claim(self, job_id: str, worker: str) -> Any:
        want = self.expected[job_id]
        job = self.store.claim(job_id, worker)
        alone = not (want.suspect and self.holds_suspect(worker))
        may_start = want.status is Status.QUEUED and not want.late and not want.waits
        assert (job is not None) == (may_start and alone)
        if job is None:
            return multiple()
        want.attempt, want.status, want.worker = want.attempt + 1, Status.RUNNING, worker
        assert (job.attempt, job.worker) == (want.attempt, worker)
        return (job_id, job.attempt)

    def holds_suspect(self, worker: str) -> bool:
        held = [want for want in self.expected.values() if want.status is Status.RUNNING]
        return any(want.suspect for want in held if want.worker == worker)

    def stands(self, handed: Handed, move: Callable[[], object]) -> Expected | None:
        """Make an attempt's move; return its job, or None where it must have changed nothing."""
        want = self.expected[handed[0]]
        if want.status is Status.RUNNING and want.attempt == handed[1]:
            move()
            return want
        before = self.everything(handed[0])
        with pytest.raises(LeaseLost) as caught:
            move()
        assert type(caught.value) is STOPPED.get(want.status, LeaseLost)
        assert self.everything(handed[0]) == before
        return None

    @rule(handed=handed)
    def report(self, handed: Handed) -> None:
        self.stands(handed, lambda: self.store.report(*handed, Progress("predict", 0.5)))

    @rule(handed=handed)
    def succeed(self, handed: Handed) -> None:
        want = self.expected[handed[0]]
        move = lambda: self.store.succeed(*handed, outputs=(OUTPUT,), timings={}, model=("1", "d"))  # noqa: E731
        if want.status is Status.SUCCEEDED and want.attempt == handed[1]:
            move()  # its first answer was lost on the way: no harm, as `final` sees
        elif self.stands(handed, move):
            self.end(handed[0], "succeeded", Status.SUCCEEDED)

    @rule(handed=handed)
    def fail(self, handed: Handed) -> None:
        if self.stands(handed, lambda: self.store.fail(*handed, CorruptImage())):
            self.end(handed[0], "failed", Status.FAILED)

    @rule(handed=handed)
    def meet_a_transient_error(self, handed: Handed) -> None:
        if want := self.stands(handed, lambda: self.store.requeue(*handed, StorageUnavailable())):
            want.failures += 1
            last = want.failures == RULES.max_attempts
            self.end(handed[0], "transient", Status.FAILED if last else Status.QUEUED)

    @rule(handed=handed)
    def release(self, handed: Handed) -> None:
        want, before = self.expected[handed[0]], self.everything(handed[0])
        if self.store.release(*handed) == "ok":
            assert (want.status, want.attempt) == (Status.RUNNING, handed[1])
            want.released += 1
            want.end("released", Status.QUEUED)
        else:
            assert (want.status, want.attempt) != (Status.RUNNING, handed[1])
            assert self.everything(handed[0]) == before

    @rule(handed=handed)
    def beat(self, handed: Handed) -> None:
        want = self.expected[handed[0]]
        current = want.status is Status.RUNNING and want.attempt == handed[1]
        assert (self.store.beat([handed]) == ["ok"]) == current
        want.lapsed = want.lapsed and not current

    def client_move(self, job_id: str, move: Callable[[str, str], None], allowed: bool) -> bool:
        want, before = self.expected[job_id], self.everything(job_id)
        refusal: type[AtelierError] = IllegalMove if want.status else JobGone
        if allowed:
            move(job_id, ANONYMOUS)
        else:
            with pytest.raises(refusal):
                move(job_id, ANONYMOUS)
            assert self.everything(job_id) == before
        return allowed

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        want = self.expected[job_id]
        if self.client_move(job_id, self.store.cancel, want.open or want.status is Status.CANCELED):
            self.end(job_id, "canceled", Status.CANCELED)

    @rule(job_id=jobs)
    def restart(self, job_id: str) -> None:
        want = self.expected[job_id]
        if self.client_move(job_id, self.store.restart, want.open and not want.waits):
            want.released += want.status is Status.RUNNING
            want.end("requeued", Status.QUEUED)

    @rule(job_id=jobs)
    def delete(self, job_id: str) -> None:
        want = self.expected[job_id]
        if self.client_move(job_id, self.store.delete, want.status is not None and not want.open):
            want.status = None

    @rule(job_id=jobs)
    def let_the_lease_run_out(self, job_id: str) -> None:
        if self.expected[job_id].status is Status.RUNNING:
            lapse(self.store, job_id)
            self.expected[job_id].lapsed = True

    @rule(job_id=jobs)
    def let_the_deadline_pass(self, job_id: str) -> None:
        want = self.expected[job_id]
        if want.open and want.has_deadline:
            pass_deadline(self.store, job_id)
            want.late = True

    @rule()
    def reap(self) -> None:
        reaped = self.store.reap()
        late = {job_id for job_id, want in self.expected.items() if want.open and want.late}
        lost = {job_id for job_id, want in self.expected.items() if want.lapsed} - late
        expired = set()
        for job_id in sorted(late):  # a child that waits ends with its parent, which comes before it
            if self.expected[job_id].open:
                self.end(job_id, "expired", Status.EXPIRED)
                expired.add(job_id)
        assert (set(reaped.expired), set(reaped.reclaimed)) == (expired, lost)
        for job_id in lost:
            want = self.expected[job_id]
            want.crashes += 1
            self.end(job_id, "lost", Status.FAILED if want.crashes == RULES.crash_budget else Status.QUEUED)

    @invariant()
    def every_job_is_as_expected(self) -> None:
        for job_id, want in self.expected.items():
            if want.status is None:
                assert self.everything(job_id) == ({}, [])
                continue
            job = self.store.get(job_id, ANONYMOUS)
            assert (job.status, job.attempt, job.released) == (want.status, want.attempt, want.released)
            assert (job.failures, job.crashes) == (want.failures, want.crashes)
            assert [(e.number, e.worker, str(e.outcome)) for e in job.history] == want.history[-20:]
            assert job.attempt == len(want.history) + (want.status is Status.RUNNING)

    @invariant()
    def a_final_record_never_changes(self) -> None:
        for job_id, want in self.expected.items():
            if want.status and not want.open:
                record, _ = self.everything(job_id)
                assert self.final.setdefault(job_id, record) == record

    @invariant()
    def every_open_job_stands_in_one_line_and_every_other_in_none(self) -> None:
        queued = {job_id: want for job_id, want in self.expected.items() if want.status is Status.QUEUED}
        waiting = {job_id for job_id, want in queued.items() if not want.waits}
        running = {job_id for job_id, want in self.expected.items() if want.status is Status.RUNNING}
        timed = {job_id for job_id, want in self.expected.items() if want.open and want.has_deadline}
        done = {job_id for job_id, want in self.expected.items() if want.status and not want.open}
        for kind in ("line:{}:" + ANONYMOUS, "waits:{}:" + ANONYMOUS + ":mnist-dcgan:"):
            lines = [*(self.line(kind.format(lane)) for lane in Lane), self.line("delayed")]
            assert sum(map(len, lines)) == len(set().union(*lines))
            assert set().union(*lines) == waiting
        assert (self.line("leases"), self.line("deadlines"), self.line("expiring")) == (running, timed, done)

    @invariant()
    def children_are_known_while_they_wait_and_what_they_read_while_they_are_open(self) -> None:
        children = {job_id: want for job_id, want in self.expected.items() if want.parent}
        waiting = {(want.parent, job_id) for job_id, want in children.items() if want.waits}
        parents = {parent for parent, _ in waiting}
        known = {(of, child) for of in self.expected for child in self.members(f"awaiting:{of}")}
        assert known == waiting
        assert parents <= self.line("awaited")
        readers = Counter(want.parent for want in children.values() if want.open and not want.waits)
        assert self.client.hgetall("atelier:sharers") == {of: str(count) for of, count in readers.items()}

    def members(self, name: str) -> set[str]:
        return set(self.client.smembers(f"atelier:{name}"))

    @invariant()
    def the_events_tell_a_legal_story(self) -> None:
        for job_id, want in self.expected.items():
            told = [Status(e.data["status"]) for e in self.queries.events(job_id) if e.kind == "state"]
            assert all(to in TRANSITIONS[of] for of, to in pairwise(told))
            assert told[-1:] == ([want.status] if want.status else [])

    def line(self, name: str) -> set[str]:
        return set(self.client.zrange(f"atelier:{name}", 0, -1))

    def everything(self, job_id: str) -> tuple[dict[str, str], list[Any]]:
        return (
            self.client.hgetall(f"atelier:job:{job_id}"),
            self.client.xrange(f"atelier:events:{job_id}"),
        )


@pytest.mark.slow
def test_no_order_of_moves_loses_a_job_or_ends_it_twice(redis_client: Client) -> None:
    run_state_machine_as_test(
        lambda: Machine(redis_client),
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
