"""The job store: every state transition of a job is one atomic script. No other module writes a status."""

import json
import logging
import random
import secrets
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from shared.errors import (
    AtelierError,
    AttemptsExhausted,
    IdempotencyMismatch,
    IllegalMove,
    JobGone,
    JobNotFound,
    JobReclaimed,
    StoreUnavailable,
    WorkerLost,
)
from shared.identifiers import batch_of
from shared.jobs.job import Job, Progress, StoredOutput
from shared.jobs.moving import Move, refusal_of_move
from shared.jobs.record import RECORD_SCHEMA, Record, job_from_record, outputs_to_json
from shared.jobs.spec_parts import whole_records
from shared.jobs.status import DeadlineExceeded, LeaseState, ensure_current
from shared.jobs.submission import (
    Submission,
    Submitted,
    chain_too_long,
    milliseconds,
    missing_files,
    served_digests,
    to_text,
)
from shared.owners.quota import NO_QUOTAS, quota_exceeded
from shared.redis.client import Client, record_of, store_errors
from shared.redis.keys import PREFIX
from shared.redis.scripts import Call, Scripts, value_of
from shared.setting_groups import JobRules, QuotaRules, blocks
from shared.specs.parts import EXACT, Lane, Precision
from shared.workers import WorkerRoster, runnable_models

MOST_REAPED = 1000  # limit for one pass, separately for deadlines and for leases

log = logging.getLogger("atelier.store")


@dataclass(frozen=True, slots=True)
class WaitingJobs:
    """The jobs that wait in one lane."""

    lane: Lane
    waiting: int  # jobs that could be claimed now, counted up to a limit
    first: str  # id of one of them, or of its batch


@dataclass(frozen=True, slots=True)
class Reaped:
    """The result of one pass of the reaper."""

    expired: tuple[str, ...]  # jobs whose deadline had passed
    reclaimed: tuple[str, ...]  # jobs whose lease had run out
    lines: tuple[WaitingJobs, ...]


def new_token() -> str:
    """Return what tells a claim from others of its thread."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class NextClaim:
    """A claim in the same round trip as the end of an attempt; the fields are those of `claim_next`."""

    worker: str
    models: Collection[str] | None
    most: int = 1
    lanes: Iterable[Lane] = Lane
    token: str = field(default_factory=new_token)


class WorkerCordoned(Exception):
    """Raised when a worker claims that is to claim nothing."""


class JobStore:
    """Jobs in a Redis-protocol server. All times are the server's."""

    def __init__(
        self, client: Client, rules: JobRules, quotas: QuotaRules = NO_QUOTAS, *, prefix: str = PREFIX
    ) -> None:
        """`quotas` are those of owners that have none of their own."""
        self.client = client
        self.rules = rules
        self.quotas = quotas
        self._quotas = quotas.model_dump_json()
        self.scripts = Scripts(
            client, prefix=prefix, max_events=rules.max_events, usage_days=rules.usage_days
        )
        self._roster = WorkerRoster(client, prefix=prefix)
        self._logged_newer = False

    def submit(self, submission: Submission, place: Call | None = None) -> Submitted:
        """Accept a job. After this returns, the job will be run even if any process dies.

        `place` asks for its place in the queue, in the same round trip (`JobQueries.place_of`).
        Raises FileNotFound or JobNotFound for a missing input, ChainTooLong, IdempotencyMismatch if another
        request used the key or the id before, JobGone if the id belonged to a deleted job, QuotaExceeded.
        """
        return self._submit(submission, is_trial=False, place=place)

    def try_out(self, submission: Submission) -> None:
        """Raise what `submit` would, now; change nothing."""
        self._submit(submission, is_trial=True)

    def _submit(self, submission: Submission, *, is_trial: bool, place: Call | None = None) -> Submitted:
        model = submission.spec.model or ""
        digest = self.served_digests({model} if submission.spec.cache else ()).get(model, "")
        arguments = submission.arguments(self.rules, self._quotas, digest=digest, is_trial=is_trial)
        call: Call = ("jobs/submit", *arguments)
        reply, *places = self.scripts.run_together(call, *([place] if place else ()))
        outcome, *rest = value_of(reply)
        if outcome == "missing":
            raise missing_files(submission.spec, rest)
        if outcome == "chain":
            pointer = next(pointer for pointer, name in submission.spec.file_fields() if name == rest[0])
            raise chain_too_long(pointer, rest[0])
        if outcome == "mismatch":
            raise IdempotencyMismatch("this key or id was used before with another request")
        if outcome == "quota":
            raise quota_exceeded(*rest)
        if outcome == "gone":
            raise JobGone(f"the id {submission.id} was used by a job that is gone")
        if outcome != "created":
            return Submitted(id=rest[0], created=False)
        job_id, record = rest
        read = [text for text in places if isinstance(text, str)]  # what failed is asked for again
        job = job_from_record(record_of(record))
        return Submitted(job_id, created=True, job=job, place=read[0] if read else None)

    def served_digests(self, models: Collection[str]) -> dict[str, str]:
        """Return the digests of the live workers' models by name, for jobs that may reuse results."""
        return served_digests(self._roster, models)

    def get(self, job_id: str, owner: str) -> Job:
        """Return the owner's job; raise JobNotFound, or JobGone if it existed and was deleted."""
        with store_errors():
            found = self.client.execute_command(*self.reading(job_id))
        return self.job_of(found, job_id, owner)

    def reading(self, job_id: str) -> Call:
        """Return the call that reads a job's record, for `job_of`."""
        return "HGETALL", self.scripts.keys("job", job_id)

    def job_of(self, found: Record, job_id: str, owner: str) -> Job:
        """Return the owner's job from its record, as it was read; raise JobNotFound or JobGone without it."""
        with store_errors():
            (raw,) = whole_records(self.client, self.scripts.keys, [found])
            if raw and raw["owner"] == owner:
                return job_from_record(raw)
            ids = (job_id, batch_of(job_id) or job_id)
            names = [self.scripts.keys(kind, name) for kind in ("gone", "gone_why") for name in ids]
            owners, reasons = _halves(self.client.mget(names))
        if not raw and owner in owners:
            raise gone(f"the job {job_id}", was_reclaimed=any(reasons))
        raise JobNotFound(f"there is no job {job_id}")

    def claim(self, job_id: str, worker: str) -> Job | None:
        """Start an attempt of this job: queued to running. Returns None if it may not be claimed now.

        A job that a newer Atelier wrote stays queued for a worker that can read it; this is logged once.
        """
        return next(iter(self._claim(job_id, NextClaim(worker, None))), None)

    def claim_next(
        self,
        worker: str,
        *,
        most: int = 1,
        models: Collection[str] | None = None,
        lanes: Iterable[Lane] = Lane,
        token: str | None = None,
    ) -> list[Job]:
        """Start an attempt of the next job, or of up to `most` light items of one batch; return what started.

        Interactive jobs go first, unless bulk has waited too long. Within a lane, owners take turns; the jobs
        of one owner start in the order of acceptance. An owner whose quota of running jobs is spent waits.
        What is paused waits, and so do jobs of a model that has as many running as it may have, or that is
        none of `models`, which the worker can run (None: any); what is behind them goes on. Lanes that are
        not among `lanes` are left to others.
        A claim whose answer was lost may have started jobs: asked again with the same `token`, by the same
        thread, while their leases hold, it returns these.
        Raises WorkerCordoned if the worker is to claim nothing.
        """
        return self._claim("", NextClaim(worker, models, most, lanes, token or new_token()))

    def _claim(self, job_id: str, claim: NextClaim) -> list[Job]:
        call = self._claim_call(job_id, claim)
        claimed = ["more"]
        while claimed == ["more"]:
            claimed = self.scripts.run(*call)
        if claimed == ["cordoned"]:
            raise WorkerCordoned()
        if claimed == ["newer"]:
            self._log_newer(job_id)
            return []
        return _jobs(claimed)

    def _claim_call(self, job_id: str, claim: NextClaim) -> Call:
        lease, patience = (self.rules.lease_seconds, self.rules.bulk_patience_seconds)
        times = (milliseconds(lease), RECORD_SCHEMA, claim.most, milliseconds(patience))
        asked: tuple[str | int, ...] = (
            self.quotas.running,
            _names(claim.models),
            threading.get_ident(),
            claim.token,
        )
        rest: tuple[str | int, ...] = (job_id, claim.worker, *times, *asked, *claim.lanes)
        return ("jobs/claim", *rest)

    def _log_newer(self, job_id: str) -> None:
        if not self._logged_newer:
            log.warning("record written by a newer Atelier; left queued", extra={"job_id": job_id})
        self._logged_newer = True

    def beat(self, attempts: Sequence[tuple[str, int]]) -> list[LeaseState]:
        """Extend the leases of (job id, attempt) pairs in one call; return the lease state of each."""
        pairs = [part for job_id, attempt in attempts for part in (job_id, attempt)]
        states: list[LeaseState] = self.scripts.run(
            "jobs/beat", milliseconds(self.rules.lease_seconds), *pairs
        )
        return states

    def report(self, job_id: str, attempt: int, progress: Progress) -> None:
        """Store the progress of an attempt; raise JobCanceled or LeaseLost if it must stop."""
        known = {name: value for name, value in asdict(progress).items() if value is not None}
        ensure_current(self.scripts.run("jobs/report", job_id, attempt, to_text(known)), job_id)

    def succeed(
        self,
        job_id: str,
        attempt: int,
        *,
        outputs: tuple[StoredOutput, ...],
        timings: Mapping[str, float],
        model: tuple[str, str],
        warnings: Sequence[str] = (),
        numerics: str = "",
        precision: Precision = EXACT,
        then: NextClaim | None = None,
    ) -> list[Job] | None:
        """Running to succeeded; `model` is (version, digest). Raises JobCanceled or LeaseLost.

        `numerics` is the worker's, "" where that is not known; `precision` is that of the result.
        Returns the jobs that `then` started; None without it, or where the worker has to ask by `claim_next`.
        Asked again by the same attempt, it returns the same, with the same `then` the same jobs.
        """
        rounded = {stage: round(seconds, 6) for stage, seconds in timings.items()}
        warnings_text = json.dumps(list(warnings)) if warnings else ""
        made = (
            sum(blocks(each.bytes) for each in outputs),
            sum(each.width * each.height for each in outputs),
        )
        how = (numerics, "" if precision == EXACT else precision)  # what most have takes no memory
        arguments = (outputs_to_json(outputs), to_text(rounded), *model, warnings_text, *made, *how)
        call: Call = ("jobs/succeed", job_id, attempt, *arguments)
        if then is None:
            ensure_current(self.scripts.run(*call), job_id)
            return None
        state, claimed = self.scripts.run_together(call, self._claim_call("", then))
        claimed = value_of(claimed)
        is_reason = bool(claimed) and isinstance(claimed[0], str)  # why there is none
        jobs = [] if is_reason else _jobs(claimed)
        try:
            ensure_current(value_of(state), job_id)
        except Exception:
            self._give_back(jobs)
            raise
        return None if is_reason else jobs

    def _give_back(self, jobs: Sequence[Job]) -> None:
        """Release what was claimed in the round trip of a move that failed; nobody would run it."""
        with suppress(StoreUnavailable):  # what failed is told, and the leases end by themselves
            for job in jobs:
                self.release(job.id, job.attempt)

    def fail(self, job_id: str, attempt: int, error: AtelierError) -> None:
        """Running to failed, which is final. Raises JobCanceled or LeaseLost."""
        ensure_current(self.scripts.run("jobs/fail", job_id, attempt, to_text(error.to_json())), job_id)

    def requeue(self, job_id: str, attempt: int, error: AtelierError) -> None:
        """Running to queued after a transient error, or to failed after the last attempt."""
        last = AttemptsExhausted(f"{self.rules.max_attempts} attempts failed; the last: {error.detail}")
        state = self.scripts.run(
            "jobs/requeue",
            job_id,
            attempt,
            to_text(error.to_json()),
            to_text({**last.to_json(), "cause": error.to_json()}),
            self.rules.max_attempts,
            milliseconds(self.rules.backoff_seconds),
            _jitter(),
        )
        ensure_current(state, job_id)

    def release(
        self,
        job_id: str,
        attempt: int,
        *,
        pause_seconds: float = 0,
        code: str = "",
        stored_nothing: bool = False,
    ) -> LeaseState:
        """Running to queued without counting the attempt: at a shutdown, or while there is no room.

        Without a pause the job may be claimed at once, so notify workers. If the caller does not, the reaper
        soon does. What the attempt stored is swept, unless it `stored_nothing` for certain.
        """
        how = (milliseconds(pause_seconds), code, int(stored_nothing))
        state: LeaseState = self.scripts.run("jobs/release", job_id, attempt, *how)
        return state

    def restart(self, job_id: str, owner: str) -> None:
        """Requeue a running job without counting the attempt, or end the pause of a queued one.

        The caller then notifies workers. Raises IllegalMove if the job is done.
        """
        self._own_move(self.scripts.run("jobs/restart", job_id, owner), job_id, owner, "requeued")

    def cancel(self, job_id: str, owner: str) -> None:
        """Queued or running to canceled, at once. Canceling a canceled job changes nothing."""
        self._own_move(self.scripts.run("jobs/cancel", job_id, owner), job_id, owner, "canceled")

    def delete(self, job_id: str, owner: str) -> None:
        """Delete the record of a terminal job; the sweeper deletes its bytes later."""
        tombstone = self.rules.tombstone_seconds * 1000
        self._own_move(self.scripts.run("jobs/delete", job_id, owner, tombstone), job_id, owner, "deleted")

    def pin(self, job_id: str, owner: str) -> None:
        """Keep a job until its owner unpins or deletes it; raise IllegalMove if no more may be pinned."""
        self._pin(job_id, owner, "pin")

    def unpin(self, job_id: str, owner: str) -> None:
        """Let a job expire again: if it is done, its time to live begins now."""
        self._pin(job_id, owner, "unpin")

    def _pin(self, job_id: str, owner: str, request: str) -> None:
        outcome = self.scripts.run("room/pin", "job", job_id, owner, request, self.rules.max_pinned)
        if outcome == "full":
            raise too_many_pinned(self.rules)
        if outcome == "item":
            raise IllegalMove(f"an item stays as long as its batch: {request} the batch {batch_of(job_id)}")
        self._own_move(outcome, job_id, owner, f"{request}ned")

    def note_fetched(self, job: Job, output: int) -> None:
        """Note that one of a job's outputs was sent whole; it may be removed to make room once all were."""
        where = (job.batch_id or "", job.index or 0)
        self.scripts.run("room/fetched_output", job.id, output, len(job.outputs), *where)

    def move(self, job_id: str, owner: str, move: Move) -> None:
        """Move a queued job to another place in its owner's queue, or into another lane; its pause stays.

        Raises IllegalMove if the job does not wait, is an item of a batch or follows an equal job.
        """
        outcome, *leader = self.scripts.run("jobs/reorder", job_id, owner, *move.arguments)
        if outcome == "missing":
            self.get(job_id, owner)
        if outcome != "ok":
            raise refusal_of_move(job_id, outcome, *leader or [""])

    def _own_move(self, outcome: str, job_id: str, owner: str, verb: str) -> None:
        if outcome == "missing":
            self.get(job_id, owner)  # raises the error that fits
        if outcome != "ok":
            raise IllegalMove(f"a job that is {outcome} cannot be {verb}")

    def reap(self, *, most_waiting: int = 64) -> Reaped:
        """End jobs past their deadline, reclaim expired leases; count waiting jobs up to `most_waiting`.

        What is paused, or of a model that no live worker of its lane may run or that has as many running
        as it may have, does not count.
        """
        lost = WorkerLost(f"its worker died or froze {self.rules.crash_budget} times")
        expired, taken, lines = self.scripts.run(
            "jobs/reap",
            self.rules.crash_budget,
            milliseconds(self.rules.backoff_seconds),
            _jitter(),
            to_text(lost.to_json()),
            to_text(DeadlineExceeded("no worker had started it by its deadline").to_json()),
            to_text(DeadlineExceeded("a worker was still at it when its deadline came").to_json()),
            MOST_REAPED,
            most_waiting,
            milliseconds(self.rules.lease_seconds),
            *self._runnable_by_lane(),
        )
        return Reaped(tuple(expired), tuple(taken), tuple(_line(*line) for line in lines))

    def _runnable_by_lane(self) -> Iterator[str]:
        workers = self._roster.live()
        for lane in Lane:
            yield from (lane, _names(runnable_models(workers, lane)))

    def settle(self, *, most: int = 40) -> None:
        """Have the followers and the children of ended jobs go on, a few at a time, where there are many."""
        while most > 0 and self.scripts.run("jobs/settle"):
            most -= 1

    def expire(self, limit: int = 100) -> list[str]:
        """Delete the records of terminal jobs whose time to live has ended; return their ids."""
        ids: list[str] = self.scripts.run("jobs/expire", limit, self.rules.tombstone_seconds * 1000)
        return ids


def gone(subject: str, *, was_reclaimed: bool) -> JobGone:
    """Return the error of a job or batch that was there."""
    if was_reclaimed:
        return JobReclaimed(f"{subject} was removed with its result to make room (ATELIER_DISK_RECLAIM)")
    return JobGone(f"{subject} has expired or was deleted")


def _halves(values: Sequence[str | None]) -> tuple[Sequence[str | None], Sequence[str | None]]:
    return values[: len(values) // 2], values[len(values) // 2 :]


def too_many_pinned(rules: JobRules) -> IllegalMove:
    """Return the error of an owner who pins more than an owner may."""
    most = f"{rules.max_pinned:,} jobs and batches are pinned already, as many as an owner may pin"
    return IllegalMove(f"{most} (ATELIER_JOBS_MAX_PINNED); unpin or delete some")


def _jobs(records: Iterable[Sequence[str]]) -> list[Job]:
    return [job_from_record(record_of(flat)) for flat in records]


def _names(models: Collection[str] | None) -> str:
    """Return the names of models as scripts take them."""
    return "*" if models is None else " ".join(models)


def _jitter() -> float:
    return round(random.uniform(0.5, 1.5), 3)


def _line(lane: str, waiting: int, first: str) -> WaitingJobs:
    return WaitingJobs(Lane(lane), waiting, first)
