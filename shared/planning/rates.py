"""What one job takes: as this installation measured it, else as the documentation has it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.cards.card import ModelCard
from shared.cards.parts import name_of
from shared.jobs.durations import MeanDurations
from shared.owners.usage import Usage
from shared.planning.amount import Amount
from shared.specs.parts import PictureSize
from shared.specs.results import Results
from shared.specs.spec import JOB_SPEC, JobSpec, work_of
from shared.specs.working_size import ContentSpec, result_size
from shared.workers import Worker, slots_of

MEASURED_FACTOR = 1.5  # within which estimates of measured work are true; docs/architecture.md, the queue
USED_FACTOR = 1.25  # of bytes a result, whose mean is known
DEFAULT_SIZE = PictureSize(1024, 768)  # of content, where nothing says how large pictures are
_FILE = f"file_{'0' * 64}"
_PAGE = "docs/benchmarks.md"
# Seconds of one slot, from the fastest to the slowest machine that was measured: of a job, or of a million
# pixels that the network works on.
_JOB = {"mnist-dcgan": (0.002, 0.03, f"{_PAGE}, digits: alone, and sixteen in a call")}
_MEGAPIXEL = {
    "magenta-mobile": (0.3, 3.2, f"{_PAGE}, throughput and tuning: an idle and a busy core"),
    **dict.fromkeys(("enlarge-x2", "enlarge-x3", "enlarge-x4"), (4.0, 16.0, "docs/models.md, enlarging")),
    "enlarge-x4plus": (180.0, 720.0, "docs/models.md, enlarging"),
}


@dataclass(frozen=True, slots=True)
class OneJob:
    """One job of the many that are planned."""

    spec: JobSpec  # resolved
    card: ModelCard
    content: PictureSize | None  # of kinds that have content
    is_assumed: bool  # whether the size of the content was said by nobody

    @property
    def work(self) -> str:
        """The kind of its work."""
        return work_of(self.spec, self.card, self.content)

    @property
    def made(self) -> Results:
        """What it is expected to make."""
        return Results.of(self.spec, self.card, self.content)


def one_job(card: ModelCard, size: PictureSize | None) -> OneJob:
    """Return the job that a model does by default, of content of a size."""
    style = {"number": 0} if card.builtin_styles else {"image": _FILE}
    given = {"type": card.kind, "model": card.reference, "content": _FILE, "styles": [style]}
    needed = {"generate": ("type", "model"), "transform": ("type", "model", "content")}.get(card.kind, given)
    spec = JOB_SPEC.validate_python({name: given[name] for name in needed}).filled(card)
    if not isinstance(spec, ContentSpec):
        return OneJob(spec, card, None, False)
    return OneJob(spec, card, size or DEFAULT_SIZE, size is None)


def seconds_of(
    job: OneJob, durations: Mapping[str, str], used: Iterable[Usage], workers: Sequence[Worker]
) -> Amount | None:
    """Return how long a job keeps one slot busy at full speed; None where nothing is known of its model."""
    slots = slots_of(workers)
    cost = MeanDurations(durations, slots, ()).cost(job.work) / 1000
    found = {} if math.isnan(cost) else {"durations of its jobs that ended": cost}
    told = _used_seconds(job, used, workers)
    if told is not None:
        found["the usage of the last days"] = told
    if found:
        return Amount.around(list(found.values()), MEASURED_FACTOR, f"measured here: {' and '.join(found)}")
    return _default(job)


def _used_seconds(job: OneJob, used: Iterable[Usage], workers: Sequence[Worker]) -> float | None:
    of_model = [each for each in used if name_of(each.model) == job.card.name]
    jobs, pixels = sum(each.jobs for each in of_model), sum(each.pixels for each in of_model)
    if not jobs:
        return None
    share = job.made.pixels * jobs / pixels if pixels and job.made.pixels else 1.0  # against the mean job
    slots = sum(worker.slots for worker in workers)
    speed = (
        slots_of(workers) / slots if slots else 1.0
    )  # jobs that run beside each other slow each other down
    return sum(each.milliseconds for each in of_model) / 1000 / jobs * share * speed


def _default(job: OneJob) -> Amount | None:
    if (known := _JOB.get(job.card.name)) is not None:
        return Amount(known[0], known[1], f"not measured here: {known[2]}")
    rate = _MEGAPIXEL.get(job.card.name)
    if rate is None or job.content is None or not isinstance(job.spec, ContentSpec):
        return None
    side = job.spec.network_size(job.card, result_size(job.spec, job.content[:2]))
    return Amount(rate[0], rate[1], f"not measured here: {rate[2]}").times(side[0] * side[1] / 1e6)


def bytes_of(job: OneJob, used: Iterable[Usage]) -> Amount:
    """Return how many bytes of storage the results of a job take."""
    of_model = [each for each in used if name_of(each.model) == job.card.name and each.jobs]
    jobs, size = sum(each.jobs for each in of_model), sum(each.bytes for each in of_model)
    if not jobs:
        made = job.made.bytes
        return Amount(made / 3, made, f"estimated from the size and format of results: {made} bytes at most")
    pixels = sum(each.pixels for each in of_model)
    share = job.made.pixels * jobs / pixels if pixels and job.made.pixels else 1.0
    return Amount.around([size / jobs * share], USED_FACTOR, "measured here: the usage of the last days")
