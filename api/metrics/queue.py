"""The queue's numbers as metrics, read at the scrape. What cannot be read is absent, and never 0.

No label has an owner, an id or a name that a client chose: models and codes are those of the catalogue and of
the program, and whatever else was counted is `other`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.registry import Collector

from api.responses.problems import subclasses
from shared.cards.card import Catalog
from shared.cards.parts import name_of
from shared.errors import AtelierError
from shared.jobs.stats import Share
from shared.metrics.families import Family, Samples, counters, gauge, gauges
from shared.metrics.registry import FOREIGN
from shared.metrics.snapshot import Snapshot, SnapshotReader
from shared.metrics.totals import NO_CODE, Counts
from shared.workers import numerics_of, slots_of


class QueueCollector(Collector):
    """Reads once a scrape, or shares the reading of another."""

    def __init__(self, reader: SnapshotReader, catalog: Catalog) -> None:
        self._reader = reader
        self._catalog = catalog

    def collect(self) -> Iterator[Family]:
        """Yield whether the job store could be read, and if so, its numbers."""
        found = self._reader.read()
        yield from gauge("store_up", "Whether the job store could be read: 1 or 0.", float(found is not None))
        if found is not None:
            names = KnownNames(card.name for card in self._catalog)
            yield from _waiting(found)
            yield from _by_model(found, names)
            yield from _workers(found)
            yield from _ended(found, names)
            yield from _store(found)


class KnownNames:
    """The models of the catalogue and the codes of errors; what else was counted goes under one name."""

    def __init__(self, models: Iterable[str]) -> None:
        self._models = {*models}
        self._codes = {AtelierError.code, *(kind.code for kind in subclasses(AtelierError))}

    def model(self, name: str) -> str:
        """Return the label of a model, whatever its version."""
        plain = name_of(name)
        return plain if plain in self._models else FOREIGN

    def code(self, code: str) -> str:
        """Return the label of an error's code; "" where there was no error."""
        if code == NO_CODE:
            return ""
        return code if code in self._codes else FOREIGN

    def summed(self, counts: Counts, *, model: int, code: int | None = None) -> Samples:
        """Return counts by their labels; `model` and `code` are the places of these among the words."""
        sums = Counter[tuple[str, ...]]()
        for words, count in counts.items():
            values = list(words)
            values[model] = self.model(words[model])
            if code is not None:
                values[code] = self.code(words[code])
            sums[tuple(values)] += count
        return sums


def _by_model(found: Snapshot, names: KnownNames) -> Iterator[Family]:
    shares = found.stats.models.items()
    counts: Counts = {(model, state): count for model, share in shares for state, count in _states(share)}
    text = "Jobs in the queue, by model; versions count together."
    yield from gauges("queue_model_jobs", text, "model state", names.summed(counts, model=0))


def _ended(found: Snapshot, names: KnownNames) -> Iterator[Family]:
    totals = found.totals
    jobs = names.summed(totals.jobs, model=2, code=3)
    yield from counters("jobs_ended", "Jobs that ended, for good.", "status lane model code", jobs)
    attempts = names.summed(totals.attempts, model=1, code=2)
    text = "Attempts that ended; `lost` are those of workers that died or froze: takeovers."
    yield from counters("attempts_ended", text, "outcome model code", attempts)
    text = "Jobs that took over the result of an equal one."
    yield from counters("jobs_reused", text, "model", names.summed(totals.reused, model=0))
    text = "Tries of webhook deliveries, by what each made of its delivery."
    yield from counters("delivery_tries", text, "status", totals.deliveries)
    since = None if totals.ended_at is None else max(0, found.stats.now - totals.ended_at) / 1000
    yield from gauge("queue_progress_age_seconds", "Since a job ended last, whatever its status.", since)


def _states(share: Share) -> Iterable[tuple[str, int]]:
    return (("waiting", share.waiting), ("paused", share.paused), ("running", share.running))


def _waiting(found: Snapshot) -> Iterator[Family]:
    lanes = found.stats.lanes
    jobs: Samples = {(lane, state): count for lane, share in lanes.items() for state, count in _states(share)}
    yield from gauges("queue_jobs", "Jobs in the queue, items of batches included.", "lane state", jobs)
    oldest: Samples = {(lane,): max(0.0, share.oldest_ms or 0.0) / 1000 for lane, share in lanes.items()}
    text = "For how long the oldest job has waited that a worker could start; 0 where none waits."
    yield from gauges("queue_oldest_seconds", text, "lane", oldest)
    work: Samples = {(lane,): share.work_ms / 1000 for lane, share in lanes.items()}
    text = "How long what waits and runs keeps one slot busy; absent where that was not measured."
    yield from gauges("queue_work_seconds", text, "lane", work)
    text = "Jobs that wait for a time, such as the pause before another attempt."
    yield from gauge("queue_delayed_jobs", text, found.stats.delayed)
    text = "Whether all that waits was counted: 0 where there is more than one reading looks at."
    yield from gauge("queue_whole", text, float(found.stats.is_whole))


def _workers(found: Snapshot) -> Iterator[Family]:
    taking = sum(worker.takes_jobs for worker in found.workers)
    states: Samples = {("taking",): taking, ("cordoned",): len(found.workers) - taking}
    yield from gauges("workers", "Live model workers.", "state", states)
    yield from gauge("worker_slots", "Jobs that they run at once at full speed.", slots_of(found.workers))
    text = "Live model workers, by what they compute with."
    numerics: Samples = {(name,): float(count) for name, count in numerics_of(found.workers).items()}
    yield from gauges("workers_numerics", text, "numerics", numerics)


def _store(found: Snapshot) -> Iterator[Family]:
    yield from gauge("store_used_bytes", "Memory that the job store's data take.", found.memory.used or None)
    limit = found.memory.most or None
    yield from gauge("store_limit_bytes", "The most that they may take; absent without a limit.", limit)
    late = 0 if found.due_at is None else max(0, found.stats.now - found.due_at) / 1000
    text = "For how long the delivery has been due that is late the most; 0 where none is late."
    yield from gauge("webhooks_overdue_seconds", text, late)
