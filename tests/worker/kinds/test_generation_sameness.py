"""The same spec gives the same bytes alone, in a micro-batch, in a batch of 1,000 and on another worker."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atelier.local.redis_server import EmbeddedServer
from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.job import StoredOutput
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.maintenance.garbage import Garbage
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.redis.client import connect
from shared.setting_groups import JobRules
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, GenerateSpec
from shared.storage.object_store import open_object_store
from tests.worker.conftest import Bench
from worker.execution.attempt import AttemptsInFlight
from worker.models.loading import load_model
from worker.models.store import ModelStore
from worker.runner import JobRunner

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

MANY = 1000
EXACT = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Workshop:
    """Two workers, each with its own copy of the model, that share the jobs between them."""

    benches: Sequence[Bench]
    _alone: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._runners: list[JobRunner] = [bench.runner() for bench in self.benches]

    def run_together(self, specs: Sequence[dict[str, Any]]) -> list[tuple[StoredOutput, ...]]:
        """Run jobs at once, four at a time on each worker, so that their latents meet in micro-batches."""
        pairs = list(zip([self._submit(spec) for spec in specs], cycle(self._runners), strict=False))
        with ThreadPoolExecutor(4 * len(self._runners)) as threads:
            list(threads.map(lambda pair: pair[1].handle(pair[0], Lane.INTERACTIVE), pairs))
        return [self._outputs(job_id) for job_id, _ in pairs]

    def run_alone(self, spec: dict[str, Any]) -> list[str]:
        """Run one job while nothing else runs, on the first worker; return its files' checksums."""
        name = repr(sorted(spec.items()))
        if name not in self._alone:
            job_id = self._submit(spec)
            self._runners[0].handle(job_id, Lane.INTERACTIVE)
            self._alone[name] = checksums(self._outputs(job_id))
        return self._alone[name]

    def _submit(self, fields: dict[str, Any]) -> str:
        defaults = {"type": "generate", "model": "mnist-dcgan", "truncation": 1.0}
        spec = JOB_SPEC.validate_python(defaults | fields)
        assert isinstance(spec, GenerateSpec)
        return self.benches[0].store.submit(Submission(new_job_id(), ANONYMOUS, spec, "f")).id

    def _outputs(self, job_id: str) -> tuple[StoredOutput, ...]:
        job = self.benches[0].job(job_id)
        assert job.status is Status.SUCCEEDED, job.error
        return job.outputs


def checksums(outputs: Sequence[StoredOutput]) -> list[str]:
    return [output.sha256 for output in outputs]


@pytest.fixture(scope="module")
def workshop(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    root = tmp_path_factory.mktemp("sameness")
    client = connect(module_server.url)
    store, objects = JobStore(client, JobRules()), open_object_store((root / "storage").as_uri())
    queue = JobQueue(make_celery(Settings(redis_url=module_server.url)), client)
    models = [_loaded(root / "models") for _ in range(2)]
    garbage = Garbage(client, objects)
    yield Workshop([Bench(store, queue, objects, garbage, AttemptsInFlight(), model) for model in models])
    client.close()


def _loaded(root: Path) -> Any:
    card, store = load_catalog().get("mnist-dcgan"), ModelStore(root)
    store.pull(card)
    model = load_model(card, store)
    model.warm_up()
    return model


SEEDS = st.integers(0, 2**53 - 1)
WAYS = st.fixed_dictionaries(
    {"output": st.sampled_from([{"format": "png"}, {"format": "jpeg"}, {"format": "webp", "quality": 70}])},
    optional={
        "digit": st.integers(0, 9),
        "truncation": st.sampled_from([0.1, 0.7]),
        "upscale": st.just({"factor": 3, "filter": "lanczos"}),
    },
)


@EXACT
@given(data=st.data(), seeds=st.lists(SEEDS, min_size=2, max_size=40, unique=True), way=WAYS)
def test_a_seed_gives_the_same_file_in_any_company(
    workshop: Workshop, data: st.DataObject, seeds: list[int], way: dict[str, Any]
) -> None:
    together = workshop.run_together([way | {"seeds": part} for part in data.draw(parts_of(seeds))])
    by_seed = {output.seed: output.sha256 for outputs in together for output in outputs}
    for seed in data.draw(st.lists(st.sampled_from(seeds), min_size=1, max_size=4)):
        assert by_seed[seed] == workshop.run_alone(way | {"seeds": [seed]})[0]


@st.composite
def parts_of(draw: st.DrawFn, seeds: list[int]) -> list[list[int]]:
    """Deal seeds out to jobs in any order and any sizes."""
    order = draw(st.permutations(seeds))
    cuts = sorted(draw(st.sets(st.integers(1, len(seeds) - 1), max_size=12)))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


WHOLE: list[dict[str, Any]] = [
    {"seeds": [1, 2, 3], "grid": {"columns": 2}},
    {"seeds": [4, 5], "digits": "2026"},
    {"latents": [[0.25] * 100, [-0.5] * 90 + [0.1] * 10]},
    {"interpolate": {"seeds": [6, 7], "steps": 20}, "animation": {}, "output": {"format": "gif"}},
    {
        "interpolate": {"seeds": [6, 7, 8], "steps": 9},
        "animation": {"loop": False},
        "output": {"format": "webp"},
        "upscale": {"factor": 2},
    },
]


@settings(EXACT, max_examples=6)
@given(specs=st.permutations(WHOLE), others=st.lists(SEEDS, min_size=1, max_size=30))
def test_sheets_walks_and_films_are_the_same_files_in_any_company(
    workshop: Workshop, specs: list[dict[str, Any]], others: list[int]
) -> None:
    alone = [workshop.run_alone(spec) for spec in specs]
    together = workshop.run_together([*specs, *({"seeds": [seed]} for seed in others)])
    assert [checksums(outputs) for outputs in together[: len(specs)]] == alone


@pytest.fixture(scope="module")
def many(workshop: Workshop) -> dict[int, str]:
    """The checksum of each of 1,000 seeds, out of one job."""
    (outputs,) = workshop.run_together([{"seeds": list(range(MANY))}])
    return {output.seed: output.sha256 for output in outputs if output.seed is not None}


@settings(EXACT, max_examples=3)
@given(chance=st.integers(0, 2**32 - 1))
def test_a_thousand_seeds_split_in_any_way_give_the_same_files(
    workshop: Workshop, many: dict[int, str], chance: int
) -> None:
    dice = np.random.default_rng(chance)
    order, cuts = dice.permutation(MANY), np.sort(dice.choice(np.arange(1, MANY), 60, replace=False))
    together = workshop.run_together([{"seeds": part.tolist()} for part in np.split(order, cuts)])
    assert {output.seed: output.sha256 for outputs in together for output in outputs} == many


def test_a_seed_out_of_a_thousand_is_the_file_of_that_seed_alone(
    workshop: Workshop, many: dict[int, str]
) -> None:
    for seed in range(0, MANY, 125):
        assert workshop.run_alone({"seeds": [seed]}) == [many[seed]]


def test_the_ends_of_a_walk_are_the_files_of_their_seeds(workshop: Workshop) -> None:
    way = workshop.run_alone({"interpolate": {"seeds": [20, 21], "steps": 40}})
    assert [way[0], way[-1]] == workshop.run_alone({"seeds": [20, 21]})
