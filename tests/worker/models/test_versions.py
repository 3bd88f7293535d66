"""Two versions of one model in one worker."""

from pathlib import Path

import pytest

from shared.cards.card import bundled_cards, load_catalog
from worker.models.registry import ModelRegistry
from worker.models.store import ModelStore

pytestmark = pytest.mark.tensorflow

NAME = "mnist-dcgan"
NEW = f"{NAME}@5"


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    (tmp_path / "cards").mkdir()
    write(tmp_path / "cards", NEW)
    return tmp_path / "cards"


def write(folder: Path, name: str) -> None:
    bundled = next(card for card in bundled_cards() if card.name == NAME)
    (folder / f"{name}.json").write_text(bundled.model_copy(update={"version": "5"}).model_dump_json())


@pytest.fixture
def store(tmp_path: Path, cards: Path) -> ModelStore:
    store = ModelStore(tmp_path / "models")
    for name in (NAME, NEW):
        store.pull(load_catalog(cards).get(name))
    return store


def loaded(registry: ModelRegistry) -> list[tuple[str, str]]:
    return [(model.name, model.version) for model in registry.loaded()]


def test_versions_are_told_and_each_is_loaded_once(cards: Path, store: ModelStore) -> None:
    registry = ModelRegistry(load_catalog(cards), store)
    assert registry.available() == (NAME,)
    assert registry.versions() == (f"{NAME}@4", NEW)
    assert registry.runnable() == {NAME, f"{NAME}@4", NEW}
    current = registry.get(NAME)
    assert registry.get(f"{NAME}@4") is current
    assert registry.get(NEW).card.version == "5"
    assert registry.get(NEW) is not current
    assert loaded(registry) == [(NAME, "4"), (NEW, "5")]


def test_a_rollout_has_both_versions_warm(cards: Path, store: ModelStore) -> None:
    rolled_out: set[str] = set()
    registry = ModelRegistry(load_catalog(cards), store, rolled_out=lambda: rolled_out)
    registry.preload()
    assert NEW not in dict(loaded(registry))
    rolled_out.update({NAME, NEW})
    registry.refresh()
    assert {(NAME, "4"), (NEW, "5")} <= set(loaded(registry))


def test_a_version_that_has_become_the_current_one_is_kept_once(cards: Path, store: ModelStore) -> None:
    registry = ModelRegistry(load_catalog(cards), store)
    old = registry.get(NAME)
    registry.get(NEW)
    write(cards, NAME)
    registry.refresh()
    assert loaded(registry) == [(NAME, "5")]
    assert registry.get(NEW) is registry.get(NAME)
    assert registry.get(f"{NAME}@4") is not registry.get(NAME)
    assert registry.get(f"{NAME}@4").digest == old.digest
