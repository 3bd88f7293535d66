"""The job store: every move of a job, each one atomic script. Nobody else writes a status."""

import json
import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from shared.errors import (
    AtelierError,
    AttemptsExhausted,
    IdempotencyMismatch,
    IllegalMove,
    JobGone,
    JobNotFound,
    WorkerLost,
)
from shared.identifiers import batch_of
from shared.jobs.job import Job, Progress, StoredOutput
from shared.jobs.record import RECORD_SCHEMA, job_from_record, outputs_to_json
from shared.jobs.status import DeadlineExceeded, LeaseState, ensure_current
from shared.jobs.submission import Submission, Submitted, milliseconds, missing_files, served_digests, to_text
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX
from shared.redis.scripts import Scripts
from shared.setting_groups import JobRules
from shared.specs.parts import Lane
from shared.specs.spec import JobSpec
from shared.workers import WorkerRoster

MOST_REAPED = 1000  # deadlines and leases that one pass ends, each

log = logging.getLogger("atelier.store")


@dataclass(frozen=True, slots=True)
class Line:
    """What waits in a lane."""

    lane: Lane
    waiting: int  # jobs that could be claimed now, as far as they were counted
    first: str  # one of them, or the batch that it is of


@dataclass(frozen=True, slots=True)
class Reaped:
    """What one pass of the reaper found."""

    expired: tuple[str, ...]  # jobs whose deadline had passed
    taken_back: tuple[str, ...]  # jobs whose lease had run out
    lines: tuple[Line, ...]


class JobStore:
    """Jobs in a Redis-protocol server. All times are the server's."""

    def __init__(self, client: Client, rules: JobRules, *, prefix: str = PREFIX) -> None:
        self.client = client
        self.rules = rules
        self.scripts = Scripts(client, prefix=prefix, max_events=rules.max_events)
        self._roster = WorkerRoster(client, prefix=prefix)
        self._told_of_newer = False

    def submit(self, submission: Submission) -> Submitted:
        """Accept a job. When this returns, the job will be carried out, whatever process dies.

        Raises FileNotFound for a missing input, IdempotencyMismatch when the key or the id came before with
        another request, JobGone when the id was used by a job that is forgotten.
        """
        digest = self.served_digests([submission.spec]).get(submission.spec.model or "", "")
        answer, *rest = self.scripts.run("jobs/submit", *submission.arguments(self.rules, digest=digest))
        if answer == "missing":
            raise missing_files(submission.spec, rest)
        if answer == "mismatch":
            raise IdempotencyMismatch("this key or id was used before with another request")
        if answer == "gone":
            raise JobGone(f"the id {submission.id} was used by a job that is gone")
        return Submitted(id=rest[0], created=answer == "created")

    def served_digests(self, specs: Iterable[JobSpec]) -> dict[str, str]:
        """Return by name the digests of the models that live workers have, where jobs may reuse results."""
        return served_digests(self._roster, specs)

    def get(self, job_id: str, owner: str) -> Job:
        """Return the owner's job; raise JobNotFound, or JobGone when it existed and is forgotten."""
        with store_errors():
            raw = self.client.hgetall(self.scripts.keys("job", job_id))
            if raw and raw["owner"] == owner:
                return job_from_record(raw)
            names = [self.scripts.keys("gone", name) for name in (job_id, batch_of(job_id) or job_id)]
            gone = not raw and owner in self.client.mget(names)
        if gone:
            raise JobGone(f"the job {job_id} has expired or was deleted")
        raise JobNotFound(f"there is no job {job_id}")

    def claim(self, job_id: str, worker: str) -> Job | None:
        """Start an attempt of this job: queued to running. None where it may not be claimed now.

        A job that a newer Atelier wrote stays queued for a worker that reads it; the log says so once.
        """
        return next(iter(self._claim(job_id, worker, most=1)), None)

    def claim_next(self, worker: str, *, most: int = 1) -> list[Job]:
        """Start an attempt of the job whose turn it is, or of `most` light items of one batch; or of none.

        Interactive jobs go before bulk, unless bulk has waited for long; within a lane owners take turns, and
        an owner's jobs go in the order of their acceptance.
        """
        return self._claim("", worker, most=most)

    def _claim(self, job_id: str, worker: str, *, most: int) -> list[Job]:
        lease, patience = (self.rules.lease_seconds, self.rules.bulk_patience_seconds)
        arguments = (milliseconds(lease), RECORD_SCHEMA, most, milliseconds(patience), *Lane)
        answer = ["more"]
        while answer == ["more"]:
            answer = self.scripts.run("jobs/claim", job_id, worker, *arguments)
        if answer == ["newer"]:
            self._tell_of_newer(job_id)
            return []
        return [job_from_record(dict(zip(flat[::2], flat[1::2], strict=True))) for flat in answer]

    def _tell_of_newer(self, job_id: str) -> None:
        if not self._told_of_newer:
            log.warning("record written by a newer Atelier; left queued", extra={"job_id": job_id})
        self._told_of_newer = True

    def beat(self, attempts: Sequence[tuple[str, int]]) -> list[LeaseState]:
        """Prolong the leases of (job id, attempt) pairs in one call; return each one's lease state."""
        pairs = [part for job_id, attempt in attempts for part in (job_id, attempt)]
        answer: list[LeaseState] = self.scripts.run(
            "jobs/beat", milliseconds(self.rules.lease_seconds), *pairs
        )
        return answer

    def report(self, job_id: str, attempt: int, progress: Progress) -> None:
        """Note how far an attempt is; raise JobCanceled or LeaseLost when it must stop."""
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
    ) -> None:
        """Running to succeeded; `model` is (version, digest). Raises JobCanceled or LeaseLost."""
        rounded = {stage: round(seconds, 6) for stage, seconds in timings.items()}
        told = json.dumps(list(warnings)) if warnings else ""
        arguments = (outputs_to_json(outputs), to_text(rounded), *model, told)
        ensure_current(self.scripts.run("jobs/succeed", job_id, attempt, *arguments), job_id)

    def fail(self, job_id: str, attempt: int, error: AtelierError) -> None:
        """Running to failed, for good. Raises JobCanceled or LeaseLost."""
        ensure_current(self.scripts.run("jobs/fail", job_id, attempt, to_text(error.to_json())), job_id)

    def requeue(self, job_id: str, attempt: int, error: AtelierError) -> None:
        """Running to queued after a transient error, or to failed after the last attempt."""
        last = AttemptsExhausted(f"{self.rules.max_attempts} attempts failed; the last: {error.detail}")
        answer = self.scripts.run(
            "jobs/requeue",
            job_id,
            attempt,
            to_text(error.to_json()),
            to_text({**last.to_json(), "cause": error.to_json()}),
            self.rules.max_attempts,
            milliseconds(self.rules.backoff_seconds),
            _jitter(),
        )
        ensure_current(answer, job_id)

    def release(self, job_id: str, attempt: int, *, pause_seconds: float = 0, code: str = "") -> LeaseState:
        """Running to queued without counting the attempt: at a shutdown, or while there is no room.

        Without a pause it may be claimed at once: ring it. Where nobody does, the reaper rings it soon.
        """
        pause = milliseconds(pause_seconds)
        answer: LeaseState = self.scripts.run("jobs/release", job_id, attempt, pause, code)
        return answer

    def restart(self, job_id: str, owner: str) -> None:
        """Take a running job from its worker, uncounted, or end a queued one's pause; then ring it.

        Raises IllegalMove where the job is done.
        """
        self._own_move(self.scripts.run("jobs/restart", job_id, owner), job_id, owner, "requeued")

    def cancel(self, job_id: str, owner: str) -> None:
        """Queued or running to canceled, at once. Canceling a canceled job changes nothing."""
        self._own_move(self.scripts.run("jobs/cancel", job_id, owner), job_id, owner, "canceled")

    def delete(self, job_id: str, owner: str) -> None:
        """Forget a terminal job and leave its bytes to the sweeper."""
        tombstone = self.rules.tombstone_seconds * 1000
        self._own_move(self.scripts.run("jobs/delete", job_id, owner, tombstone), job_id, owner, "deleted")

    def _own_move(self, answer: str, job_id: str, owner: str, verb: str) -> None:
        if answer == "missing":
            self.get(job_id, owner)  # raises the error that fits
        if answer != "ok":
            raise IllegalMove(f"a job that is {answer} cannot be {verb}")

    def reap(self, *, most_waiting: int = 64) -> Reaped:
        """End jobs past their deadline, take back expired leases; count what waits, up to `most_waiting`."""
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
            *Lane,
        )
        return Reaped(tuple(expired), tuple(taken), tuple(_line(*line) for line in lines))

    def settle(self, *, most: int = 40) -> None:
        """Have jobs that follow an ended one take over its result where they were many; some at a time."""
        while most > 0 and self.scripts.run("jobs/settle"):
            most -= 1

    def expire(self, limit: int = 100) -> list[str]:
        """Forget terminal jobs whose time to live is over; return their ids."""
        ids: list[str] = self.scripts.run("jobs/expire", limit, self.rules.tombstone_seconds * 1000)
        return ids


def _jitter() -> float:
    return round(random.uniform(0.5, 1.5), 3)


def _line(lane: str, waiting: int, first: str) -> Line:
    return Line(Lane(lane), waiting, first)
