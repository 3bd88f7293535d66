"""Why a queued job waits: what the records hold against its start, and what the workers have and lack."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.errors import OutOfDisk, StorageUnavailable
from shared.workers import Worker

STOPPED_BY = {
    "stop_when": "`stop_when` paused the batch: too many of its items failed or expired",
    "sample": "the sample of the batch is made; `resume` goes on",
    "sample_first": "the batch makes its sample first",
}


class Reason(StrEnum):
    """Why a queued job, or the next item of a batch, has not started."""

    WORKERS_BUSY = "workers_busy"  # it starts when a worker has a free slot, and its turn has come
    PAUSED = "paused"  # until somebody goes on
    NOT_BEFORE = "not_before"  # the request named a time
    BACKOFF = "backoff"  # it pauses after an attempt that ended with an error
    STORAGE_AWAY = "storage_away"  # the storage does not answer the workers, or not its last attempt
    EQUAL_JOB = "equal_job"  # it takes over the result of an equal job that is not done
    WAITS_FOR = "waits_for"  # it takes the output of another job, which is not done
    QUOTA = "quota"  # as many of its owner's jobs run as may
    MODEL_LIMIT = "model_limit"  # as many jobs of its model run as may
    NO_WORKER = "no_worker"  # none lives
    NO_WORKER_HAS_MODEL = "no_worker_has_model"  # of those that take jobs
    NO_WORKER_SERVES_LANE = "no_worker_serves_lane"  # of those; each serves the other one alone
    NEEDS_NEWER_WORKER = "needs_newer_worker"  # those that live are too old to read its record
    DISK_FULL = "disk_full"  # there is no room for its results
    HELD_AFTER_CRASH = "held_after_crash"  # it may kill workers, so each runs one such job at a time


# What a pause is for, by the error of the attempt before it.
_PAUSES = {OutOfDisk.code: Reason.DISK_FULL, StorageUnavailable.code: Reason.STORAGE_AWAY}


@dataclass(frozen=True, slots=True)
class Hold:
    """Why something waits."""

    reason: Reason
    until: int | None = None  # milliseconds since the epoch, if it ends by itself at a known time
    detail: str | None = None  # more, in words


def hold_of(found: Mapping[str, Any] | None, workers: Sequence[Worker]) -> Hold | None:
    """Return why something waits, from what the script `place` found of it; None if nothing of it waits."""
    if not found:
        return None
    return _held(found) if "reason" in found else Hold(_lacking(found, workers))


def _held(found: Mapping[str, Any]) -> Hold:
    reason = _PAUSES.get(found.get("code", "")) or Reason(found["reason"])
    return Hold(
        reason, found.get("until"), STOPPED_BY.get(found.get("stopped_by", "")) or found.get("detail")
    )


def _lacking(found: Mapping[str, Any], workers: Sequence[Worker]) -> Reason:
    """Return the first condition that no worker meets which meets those before."""
    schema, suspects = found["schema"], found.get("suspects") or ()
    needed = [name for name in (found["model"], *found.get("further", ())) if name]
    conditions: dict[Reason, Callable[[Worker], bool]] = {
        Reason.NO_WORKER: lambda worker: True,
        Reason.NO_WORKER_HAS_MODEL: lambda worker: worker.takes_jobs and all(map(worker.may_have, needed)),
        Reason.NO_WORKER_SERVES_LANE: lambda worker: worker.serves(found.get("lane")),
        Reason.NEEDS_NEWER_WORKER: lambda worker: worker.reads(schema),
        Reason.DISK_FULL: lambda worker: worker.has_room,
        Reason.STORAGE_AWAY: lambda worker: worker.reaches_storage,
        Reason.QUOTA: lambda worker: not found.get("quota"),
        Reason.MODEL_LIMIT: lambda worker: not found.get("model_limit"),
        Reason.HELD_AFTER_CRASH: lambda worker: worker.id not in suspects,
    }
    able = list(workers)
    for reason, is_met in conditions.items():
        able = [worker for worker in able if is_met(worker)]
        if not able:
            return reason
    return Reason.WORKERS_BUSY
