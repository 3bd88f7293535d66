"""Styles that several workers use."""

from typing import Any

import numpy as np
import pytest

from shared.files.file_store import FileStore
from shared.files.style_library import StyleVectors
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.status import Status
from shared.specs.parts import Lane
from tests.support.images import pictures
from tests.worker.conftest import Bench
from worker.execution.batcher import Batcher
from worker.execution.resources import Resources, StyleCache
from worker.models.numerics import Numerics
from worker.models.stylization.stylizer import PreparedStyle
from worker.runner import JobRunner


class Painter:
    """Paints in the style's mean color; counts the style pictures it looked at."""

    def __init__(self, card: Any, digest: str = "painter", *, has_vectors: bool = True) -> None:
        self.card = card
        self.digest = digest
        self.has_vectors = has_vectors
        self.looked_at = 0

    def prepare_style(self, image: np.ndarray) -> PreparedStyle:
        self.looked_at += 1
        mean = image.reshape(-1, 3).mean(axis=0)
        return PreparedStyle(mean, None) if self.has_vectors else PreparedStyle(None, mean)

    def blend(self, styles: list[tuple[PreparedStyle, float]]) -> PreparedStyle:
        return styles[0][0]

    def is_large(self, height: int, width: int) -> bool:
        return False

    def stylize(self, content: np.ndarray, style: PreparedStyle) -> np.ndarray:
        color = style.vector if style.vector is not None else style.image
        return np.broadcast_to(color, content.shape).astype(np.float32)

    def runnable(self) -> None:
        return None

    def get(self, name: str) -> "Painter":
        return self


@pytest.fixture
def run(bench: Bench, files: FileStore) -> Any:
    """Run one stylization on a worker of its own with this model; return the picture's digest."""
    data = pictures.photo(40, 30)

    def run_on_fresh_worker(model: Painter, owner: str = ANONYMOUS, numerics: str = "") -> str:
        picture = files.add(owner, data, probe(data, ImageLimits()))[0].id
        vectors = StyleVectors(bench.store.client)
        known = {"vectors": vectors, "numerics": lambda: Numerics(numerics)}
        resources = Resources(bench.objects, Batcher(1), StyleCache(), ImageLimits(), **known)
        runner = JobRunner("w", bench.store, bench.queue, models=model, resources=resources, held=bench.held)
        job_id = bench.submit(type="stylize", content=picture, styles=[{"image": picture}], owner=owner)
        runner.handle(job_id, Lane.INTERACTIVE)
        job = bench.store.get(job_id, owner)
        assert job.status is Status.SUCCEEDED, job.error
        return job.outputs[0].sha256

    return run_on_fresh_worker


def test_a_style_that_one_worker_looked_at_is_known_to_all(run: Any, bench: Bench) -> None:
    first, second = Painter(bench.model.card), Painter(bench.model.card)
    assert run(first) == run(second)
    assert (first.looked_at, second.looked_at) == (1, 0)


def test_no_owner_is_faster_for_what_another_has_used(run: Any, bench: Bench) -> None:
    painters = {owner: Painter(bench.model.card) for owner in ("anna", "bert")}
    again = Painter(bench.model.card)
    assert run(painters["anna"], "anna") == run(painters["bert"], "bert") == run(again, "anna")
    assert [painter.looked_at for painter in (*painters.values(), again)] == [1, 1, 0]


def test_other_weights_look_for_themselves(run: Any, bench: Bench) -> None:
    run(Painter(bench.model.card, "first"))
    other = Painter(bench.model.card, "second")
    run(other)
    assert other.looked_at == 1


def test_a_network_that_hides_its_vectors_looks_for_itself(run: Any, bench: Bench) -> None:
    painters = [Painter(bench.model.card, has_vectors=False) for _ in range(2)]
    assert len({run(painter) for painter in painters}) == 1
    assert [painter.looked_at for painter in painters] == [1, 1]


def test_what_a_worker_of_other_numerics_saw_is_looked_at_again(run: Any, bench: Bench) -> None:
    painters = [Painter(bench.model.card) for _ in range(3)]
    for painter, numerics in zip(painters, ("plain", "onednn", "plain"), strict=True):
        run(painter, numerics=numerics)
    assert [painter.looked_at for painter in painters] == [1, 1, 0]
