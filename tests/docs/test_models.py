"""The networks and cards of docs/models.md, taken from the page and run as jobs."""

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.cards import ModelCard, bundled_cards, load_catalog
from shared.file_store import FileStore
from shared.identifiers import ANONYMOUS, new_job_id
from shared.image_probe import ImageLimits, probe
from shared.job_queue import JobQueue, make_celery
from shared.job_store import JobStore
from shared.object_store import ObjectStore
from shared.settings import Settings
from shared.specs import JOB_SPEC, resolve
from shared.status import Lane, Status
from shared.submission import Submission
from tests.support import pictures
from worker.attempts import HeldAttempts
from worker.batcher import Batcher
from worker.models.store import ModelStore
from worker.registry import ModelRegistry
from worker.runner import JobRunner
from worker.style_cache import StyleCache
from worker.tools import Tools

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
EXAMPLE = re.compile(r"<!-- example: ([a-z-]+) -->\n```python\n(.*?)```\n\n```json\n(.*?)```", re.DOTALL)
EXAMPLES = {name: (code, card) for name, code, card in EXAMPLE.findall(PAGE)}


@dataclass
class Reader:
    """Does what the page says, in a folder of its own."""

    store: JobStore
    objects: ObjectStore
    files: FileStore
    queue: JobQueue

    def follow(self, name: str) -> None:
        code, card = EXAMPLES[name]
        exec(compile(code, "docs/models.md", "exec"), {})
        Path("cards").mkdir()
        Path("cards", f"{name}.json").write_text(card, "utf-8")

    def upload(self, data: bytes) -> str:
        return self.files.add(ANONYMOUS, data, probe(data, ImageLimits()))[0].id

    def run(self, **spec: Any) -> np.ndarray:
        catalog, models = load_catalog(Path("cards")), ModelStore(Path("models"))
        models.pull(catalog.get(spec["model"]))
        resolved = resolve(JOB_SPEC.validate_python(spec), catalog)
        job_id = self.store.submit(Submission(new_job_id(), ANONYMOUS, resolved, "f")).id
        tools = Tools(self.objects, Batcher(1), StyleCache(), ImageLimits())
        registry = ModelRegistry(catalog, models)
        runner = JobRunner("w1", self.store, self.queue, models=registry, tools=tools, held=HeldAttempts())
        runner.answer(job_id, Lane.INTERACTIVE)
        job = self.store.get(job_id, ANONYMOUS)
        assert job.status is Status.SUCCEEDED, job.error
        return np.asarray(Image.open(io.BytesIO(self.objects.get(job.outputs[0].key))))


@pytest.fixture
def reader(
    store: JobStore,
    objects: ObjectStore,
    files: FileStore,
    server: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Reader:
    (tmp_path / "reader").mkdir()
    monkeypatch.chdir(tmp_path / "reader")
    return Reader(store, objects, files, JobQueue(make_celery(Settings(redis_url=server.url)), store.client))


@pytest.mark.tensorflow
def test_the_example_of_a_transformation_makes_a_relief(reader: Reader) -> None:
    reader.follow("relief")
    made = reader.run(type="transform", model="relief", content=reader.upload(pictures.jpeg(64, 48)))
    assert made.shape == (48, 64, 3)
    np.testing.assert_allclose(made[20:28, 20:40], 128, atol=12)  # a smooth gradient differs from nothing


@pytest.mark.tensorflow
def test_the_example_of_a_stylization_takes_the_styles_colors(reader: Reader) -> None:
    reader.follow("color-transfer")
    style = pictures.save(Image.new("RGB", (32, 32), (200, 90, 30)), "png")
    made = reader.run(
        type="stylize",
        model="color-transfer",
        content=reader.upload(pictures.png(40, 40)),
        styles=[{"image": reader.upload(style)}],
    )
    np.testing.assert_allclose(made.mean(axis=(0, 1)), (200, 90, 30), atol=2)


@pytest.mark.tensorflow
def test_the_example_of_a_generator_draws_by_seed(reader: Reader) -> None:
    reader.follow("clouds")
    first, again, other = (reader.run(type="generate", model="clouds", seed=seed) for seed in (1, 1, 2))
    assert first.shape == (32, 32, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_every_example_is_tested() -> None:
    assert set(EXAMPLES) == {"relief", "color-transfer", "clouds"}
    assert PAGE.count("```python") == len(EXAMPLES)


def test_the_page_names_every_bundled_model_with_its_kind() -> None:
    table = PAGE.split("## What comes with Atelier")[1].split("##")[0]
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (generate|stylize|transform) \|", table, re.MULTILINE))
    assert rows == {card.name: card.kind for card in bundled_cards()}


def test_the_page_names_every_field_of_a_card() -> None:
    table = PAGE.split("## The card")[1].split("| source |")[0]
    assert set(ModelCard.model_fields) <= set(re.findall(r"`([a-z_]+)`", table))


def test_the_cards_of_the_page_are_valid() -> None:
    for name, (_, card) in EXAMPLES.items():
        assert ModelCard.model_validate(json.loads(card)).name == name
