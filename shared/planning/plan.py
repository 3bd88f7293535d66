"""The plan of much work: how many workers end it by a deadline, what it takes of storage and job store."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.errors import InvalidRequest
from shared.owners.usage import Usage
from shared.planning.amount import Amount
from shared.planning.rates import OneJob, bytes_of, seconds_of
from shared.redis.memory_guard import StoreMemory
from shared.workers import Worker, slots_of

# Bytes of the job store for an item of a batch: as it waits, and once it has ended. Those of the second line
# have content of their own, whose file has a record too.
_ITEM = (830, 1260)  # docs/benchmarks.md, memory of items
_ITEM_AND_FILE = (4000, 3700)  # docs/operations.md, plan much work
_INPUT_BYTES_A_PIXEL = (0.1, 0.5)  # of JPEG photos


@dataclass(frozen=True, slots=True)
class Measured:
    """What this installation knows."""

    durations: Mapping[str, str]  # as the job store has them
    used: Sequence[Usage]  # of the last days, all owners
    workers: Sequence[Worker]  # that live
    memory: StoreMemory


@dataclass(frozen=True, slots=True)
class Asked:
    """What is planned."""

    job: OneJob
    jobs: int
    deadline_seconds: int
    workers: int | None = None  # None: those that live
    kept_seconds: int = 0  # how long results stay


@dataclass(frozen=True, slots=True)
class Plan:
    """What the work would take."""

    seconds_a_job: Amount  # of one slot
    slots_a_worker: float
    workers_wanted: Amount  # as large as those that live, to be done by the deadline
    workers: int  # that are counted on, 0 where none lives
    hours: Amount | None  # with these; None without
    kept_jobs: int  # whose results are there at once
    storage_bytes: Amount  # of these
    input_bytes: Amount | None  # of content that is sent; None of kinds without
    store_bytes: Amount  # of the job store's memory
    warnings: tuple[str, ...]


def plan(asked: Asked, measured: Measured) -> Plan:
    """Return what the work would take; raise InvalidRequest where nothing is known of the model's speed."""
    job, jobs = asked.job, asked.jobs
    seconds = seconds_of(job, measured.durations, measured.used, measured.workers)
    if seconds is None:
        text = f"no job of {job.card.name} was measured here, and no rate of it is known: run some first"
        raise InvalidRequest.of_field("/model", text)
    slots, workers = _slots_a_worker(measured.workers), asked.workers
    count = workers if workers is not None else sum(each.takes_jobs for each in measured.workers)
    work = seconds.times(jobs)
    kept = min(jobs, math.ceil(jobs * asked.kept_seconds / asked.deadline_seconds))
    store = _store_bytes(job, jobs, kept)
    return Plan(
        seconds_a_job=seconds,
        slots_a_worker=slots,
        workers_wanted=_workers(work, asked.deadline_seconds * slots, measured.workers),
        workers=count,
        hours=work.times(1 / 3600 / (count * slots)) if count else None,
        kept_jobs=kept,
        storage_bytes=bytes_of(job, measured.used).times(kept),
        input_bytes=_input_bytes(job, jobs),
        store_bytes=store,
        warnings=tuple(_warnings(asked, store, measured)),
    )


def _slots_a_worker(workers: Sequence[Worker]) -> float:
    count = sum(worker.takes_jobs for worker in workers)
    return max(1.0, slots_of(workers) / count) if count else 1.0


def _workers(work: Amount, seconds: float, workers: Sequence[Worker]) -> Amount:
    size = "as large as those that live" if workers else "of one slot each, as none lives to measure by"
    low, high = math.ceil(work.low / seconds), math.ceil(work.high / seconds)
    return Amount(max(1, low), max(1, high), f"workers {size}; {work.basis}")


def _store_bytes(job: OneJob, jobs: int, kept: int) -> Amount:
    """Return the most memory at once, of items of batches: all wait, or all that are kept have ended."""
    waits, has_ended = _ITEM if job.content is None else _ITEM_AND_FILE
    most = max(waits * jobs, has_ended * kept)
    basis = "items of batches that say little each: docs/operations.md, plan much work"
    return Amount(most, 2 * most, basis)


def _input_bytes(job: OneJob, jobs: int) -> Amount | None:
    if job.content is None:
        return None
    pixels = job.content.width * job.content.height
    low, high = _INPUT_BYTES_A_PIXEL
    basis = f"JPEG photos of {low:g} to {high:g} bytes a pixel, another one for each job"
    return Amount(low * pixels * jobs, high * pixels * jobs, basis)


def _warnings(asked: Asked, store: Amount, measured: Measured) -> list[str]:
    found, memory = [], measured.memory
    if memory.most and memory.used + store.high > memory.most:
        free = max(0, memory.most - memory.used)
        found.append(
            f"the job store has {free / 1e6:,.0f} MB left of its maxmemory, and the jobs may take "
            f"{store.high / 1e6:,.0f} MB: raise it, or submit in parts"
        )
    if asked.job.is_assumed:
        width, height = asked.job.content[:2] if asked.job.content else (0, 0)
        found.append(f"nobody said how large the pictures are: {width} x {height} pixels are assumed")
    if not measured.workers:
        found.append("no worker lives: a worker is taken to have one slot")
    return found
