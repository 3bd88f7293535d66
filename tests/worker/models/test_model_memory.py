"""Idle models go where all take more memory than they may, least recently used first, preloaded ones last."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.cards.card import Catalog
from tests.support.models.model_cards import transform_card
from tests.support.models.small_networks import export, negative, sepia
from worker.models import registry as registry_module
from worker.models.registry import ModelRegistry
from worker.models.store import ModelStore

pytestmark = pytest.mark.tensorflow

PART = 100  # bytes of memory that each model of these tests takes
Names = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _measure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each model that is loaded take as much: what a process holds is no exact number."""
    held = iter(range(0, 10_000, PART))
    monkeypatch.setattr(registry_module, "resident_bytes", lambda: next(held))
    monkeypatch.setattr("worker.models.files.manifest.StoredModel.bytes", property(lambda _: 0))


class Models:
    """A registry of four models, of which `first` is preloaded; there is memory for `room` of them."""

    def __init__(self, folder: Path, room: int | None) -> None:
        store, cards = ModelStore(folder / "models"), folder / "cards"
        cards.mkdir()
        self.network = export(negative(), folder / "network")
        for name in ("first", "a", "b", "c"):
            card = transform_card(self.network, name=name, preload=name == "first")
            (cards / f"{name}.json").write_text(card.model_dump_json())
            store.pull(card)
        self.busy: set[str] = set()
        most = None if room is None else room * PART
        self.registry = ModelRegistry(Catalog([], cards), store, most_bytes=most, in_use=lambda: self.busy)
        self.store = store

    def use(self, *names: str) -> None:
        for name in names:
            self.registry.get(name)

    @property
    def held(self) -> set[str]:
        return set(self.registry._loaded)


def test_the_least_recently_used_model_goes_first(tmp_path: Path) -> None:
    models = Models(tmp_path, room=2)
    models.use("a", "b", "a", "c")
    assert models.held == {"a", "c"}
    models.use("b")
    assert models.held == {"b", "c"}


def test_preloaded_models_go_last(tmp_path: Path) -> None:
    models = Models(tmp_path, room=2)
    models.registry.preload()
    models.use("a", "b")
    assert models.held == {"first", "b"}


def test_a_model_in_use_stays_though_all_take_too_much(tmp_path: Path) -> None:
    models = Models(tmp_path, room=1)
    models.busy = {"a"}
    models.use("a", "b")
    assert models.held == {"a", "b"}
    models.busy = set()
    models.use("c")
    assert models.held == {"c"}


def test_without_a_limit_all_stay(tmp_path: Path) -> None:
    models = Models(tmp_path, room=None)
    models.use("a", "b", "c")
    assert models.held == {"a", "b", "c"}


def test_what_went_still_counts_as_loaded_and_comes_back(tmp_path: Path) -> None:
    models = Models(tmp_path, room=1)
    models.use("a", "b")
    known = {model.name: model for model in models.registry.loaded()}
    assert set(known) == {"a", "b"}
    assert {"a", "b"} <= models.registry.runnable()
    models.use("a")
    assert {model.name: model for model in models.registry.loaded()} == known
    assert models.held == {"a"}


def test_a_refresh_brings_back_nothing_and_forgets_what_has_other_files(tmp_path: Path) -> None:
    models = Models(tmp_path, room=1)
    models.use("a", "b")
    models.registry.refresh()
    assert models.held == {"b"}
    assert {model.name for model in models.registry.loaded()} == {"a", "b"}
    export(sepia(), models.network)
    card = models.registry._catalog.get("a")
    models.store.pull(card, replace=True)
    models.registry.refresh()
    assert {model.name for model in models.registry.loaded()} == {"b"}


def test_a_job_without_memory_frees_all_that_is_idle_and_not_preloaded(tmp_path: Path) -> None:
    models = Models(tmp_path, room=None)
    models.registry.preload()
    models.use("a", "b", "c")
    models.busy = {"b"}
    models.registry.free()
    assert models.held == {"first", "b"}
