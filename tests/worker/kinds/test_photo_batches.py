"""Photos of several jobs in one call of the network, where a worker is set to it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.cards.card import ModelCard, load_catalog
from shared.errors import OutOfMemory
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.status import Status
from shared.settings import Settings
from shared.specs.parts import Lane
from tests.support.images import pictures
from tests.worker.conftest import Bench
from worker.execution.batcher import Batcher, Request
from worker.metrics import Observer
from worker.models.stylization.stylizer import PreparedStyle
from worker.process.context import WorkerContext
from worker.process.model_worker import _resources
from worker.runner import JobRunner

SIZES = [(40, 30), (40, 30), (50, 30), (40, 30)]  # of the photos, in pixels


@dataclass(eq=False)
class Negatives:
    """Paints negatives; remembers how many photos each call had."""

    card: ModelCard = field(default_factory=lambda: load_catalog().get("magenta-mobile"))
    digest: str = "negatives"
    takes_several: bool = True
    most: int = 16  # photos for which there is memory
    calls: list[int] = field(default_factory=list)

    has_vectors = True
    has_fast = False

    def prepare_style(self, image: np.ndarray) -> PreparedStyle:
        return PreparedStyle(np.zeros(3, np.float32), None)

    def blend(self, styles: list[tuple[PreparedStyle, float]]) -> PreparedStyle:
        return styles[0][0]

    def is_large(self, height: int, width: int) -> bool:
        return False

    def stylize(self, content: np.ndarray, style: PreparedStyle) -> np.ndarray:
        return self.stylize_together([content], [style])[0]

    def stylize_together(
        self, contents: Sequence[np.ndarray], styles: Sequence[PreparedStyle]
    ) -> list[np.ndarray]:
        self.calls.append(len(contents))
        if len(contents) > self.most:
            raise OutOfMemory("there is no memory")
        return [1 - content for content in np.stack(contents)]  # so they are of one size


@dataclass
class Studio:
    bench: Bench
    files: FileStore
    model: Negatives
    photo_batch: int = 1  # as the operator has set it

    def submit(self, number: int, width: int, height: int) -> str:
        content, style = pictures.photo(width, height, quality=90 - number), pictures.png()
        ids = [self.files.add(ANONYMOUS, each, probe(each, ImageLimits()))[0].id for each in (content, style)]
        return self.bench.submit(type="stylize", content=ids[0], styles=[{"image": ids[1]}])

    def paint(self) -> list[bytes]:
        """Run a job, which makes the style known, then one of each size at once; return their files."""
        runner = self.bench.runner()
        runner._resources = replace(runner._resources, photo_batch=self.photo_batch)
        runner.handle(self.submit(0, 20, 20), Lane.INTERACTIVE)
        self.model.calls.clear()
        ids = [self.submit(number, *size) for number, size in enumerate(SIZES)]
        with ThreadPoolExecutor(len(ids)) as pool, held(runner, len(ids)):
            for job_id in ids:
                pool.submit(runner.handle, job_id, Lane.INTERACTIVE)
        jobs = [self.bench.job(job_id) for job_id in ids]
        assert [job.status for job in jobs] == [Status.SUCCEEDED] * len(ids)
        assert [job.warnings for job in jobs] == [()] * len(ids)
        return [self.bench.objects.get(job.outputs[0].key) for job in jobs]


@contextmanager
def held(runner: JobRunner, requests: int) -> Iterator[None]:
    """Keep the only runner thread busy until that many requests wait for it."""
    batcher: Batcher = runner._resources.batcher
    started, gate = Event(), Event()

    def wait(_: object) -> list[None]:
        started.set()
        assert gate.wait(30)
        return [None]

    with ThreadPoolExecutor(1) as pool:
        plug = pool.submit(batcher.call, Request(("plug",), None, wait))
        assert started.wait(10)
        yield
        while len(batcher._waiting) < requests:
            assert not plug.done(), "requests did not come"
        gate.set()


@pytest.fixture
def studio(bench: Bench, files: FileStore) -> Studio:
    bench.model = Negatives()  # type: ignore[assignment]
    return Studio(bench, files, bench.model)  # type: ignore[arg-type]


def test_photos_of_one_size_are_painted_by_one_call_to_the_same_bytes(studio: Studio) -> None:
    alone = studio.paint()
    assert studio.model.calls == [1, 1, 1, 1]
    studio.photo_batch = 8
    assert studio.paint() == alone
    assert sorted(studio.model.calls) == [1, 3]


def test_a_call_has_no_more_photos_than_the_operator_allows(studio: Studio) -> None:
    studio.photo_batch = 2
    studio.paint()
    assert sorted(studio.model.calls) == [1, 1, 2]


def test_photos_that_have_no_memory_together_are_painted_by_halves(studio: Studio) -> None:
    alone = studio.paint()
    studio.photo_batch, studio.model.most = 8, 2
    assert studio.paint() == alone
    assert sorted(studio.model.calls) == [1, 1, 2, 3]


def test_a_network_whose_layers_are_not_known_takes_one_at_a_time(studio: Studio) -> None:
    studio.photo_batch, studio.model.takes_several = 8, False
    studio.paint()
    assert studio.model.calls == [1, 1, 1, 1]


def test_the_operator_sets_it_for_a_worker(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.setenv("ATELIER_STORAGE_URL", tmp_path.as_uri())
    monkeypatch.setenv("ATELIER_WORKER_PHOTO_BATCH", "5")
    assert _resources(WorkerContext(Settings.from_env()), lambda: None, Observer()).photo_batch == 5
