import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shared.cards.card import Catalog, bundled_cards, load_catalog
from shared.errors import ModelCorrupt, ModelUnavailable
from shared.redis.client import Client
from shared.redis.scripts import Scripts
from shared.workers import ReloadRequest
from tests.support.models.model_cards import transform_card
from tests.support.models.small_networks import export, negative, sepia
from worker.models.registry import ModelRegistry
from worker.models.store import ModelStore

pytestmark = pytest.mark.tensorflow

NAME = "mnist-dcgan"


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    (tmp_path / "cards").mkdir()
    return tmp_path / "cards"


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def registry(cards: Path, store: ModelStore) -> ModelRegistry:
    store.pull(load_catalog().get(NAME))
    return ModelRegistry(load_catalog(cards), store)


def announce(cards: Path, store: ModelStore, version: str) -> None:
    """Put another version of the generator into the store, and its card into the folder."""
    bundled = next(card for card in bundled_cards() if card.name == NAME)
    card = bundled.model_copy(update={"version": version})
    store.pull(card)
    (cards / "card.json").write_text(card.model_dump_json())


def test_a_model_is_loaded_once_and_stays(registry: ModelRegistry) -> None:
    model = registry.get(NAME)
    registry.refresh()
    assert registry.get(NAME) is model
    assert [loaded.name for loaded in registry.loaded()] == [NAME]


def test_the_models_that_the_store_holds_are_available(
    registry: ModelRegistry, store: ModelStore, tmp_path: Path
) -> None:
    assert registry.available() == (NAME,)
    store.pull(load_catalog().get("multistyle-26"))
    assert registry.available() == (NAME, "multistyle-26")
    next((tmp_path / "models" / NAME).glob("*/manifest.json")).write_text("{")
    assert registry.available() == ("multistyle-26",)


def test_a_model_that_cannot_be_loaded_is_left_out_until_it_is_repaired(
    registry: ModelRegistry, store: ModelStore, tmp_path: Path
) -> None:
    assert registry.runnable() == {NAME, f"{NAME}@4"}
    weights = next((tmp_path / "models" / NAME).glob("*/*.npz"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelCorrupt):
        registry.get(NAME)
    assert (registry.available(), registry.runnable()) == ((), frozenset())
    store.pull(load_catalog().get(NAME))
    assert registry.available() == (NAME,)
    registry.get(NAME)
    assert registry.runnable() == {NAME, f"{NAME}@4"}


def test_a_refresh_tries_a_model_again_that_could_not_be_loaded(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("worker.models.registry.load_model", raising(ModelUnavailable("a wheel is missing")))
        with pytest.raises(ModelUnavailable):
            registry.get(NAME)
    assert registry.runnable() == frozenset()
    registry.refresh()
    assert registry.available() == (NAME,)


def raising(error: Exception) -> Callable[..., None]:
    def load(*_: object) -> None:
        raise error

    return load


def test_a_new_version_comes_into_service_without_a_restart(
    registry: ModelRegistry, cards: Path, store: ModelStore
) -> None:
    old = registry.get(NAME)
    announce(cards, store, "9")
    registry.refresh()
    assert registry.get(NAME) is not old
    assert registry.loaded()[0].version == "9"
    latents = np.zeros((1, 100), np.float32)
    assert (registry.get(NAME).generate(latents) == old.generate(latents)).all()


def test_a_damaged_new_version_is_refused_and_the_old_one_stays(
    registry: ModelRegistry, cards: Path, store: ModelStore, tmp_path: Path
) -> None:
    old = registry.get(NAME)
    announce(cards, store, "9")
    weights = tmp_path / "models" / NAME / "9" / "mnist-dcgan.npz"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    registry.refresh()
    assert registry.get(NAME) is old
    with pytest.raises(ModelCorrupt, match=r"mnist-dcgan\.npz"):
        ModelRegistry(load_catalog(cards), store).get(NAME)


def test_what_was_never_pulled_is_named(registry: ModelRegistry) -> None:
    with pytest.raises(ModelUnavailable, match="atelier models pull magenta-v1-256"):
        registry.get("magenta-v1-256")


def test_a_wish_is_seen_once_by_each_worker(redis_client: Client) -> None:
    ReloadRequest(Scripts(redis_client)).make()
    first, second = ReloadRequest(Scripts(redis_client)), ReloadRequest(Scripts(redis_client))
    assert (first.is_new(), second.is_new()) == (False, False)
    ReloadRequest(Scripts(redis_client)).make()
    assert (first.is_new(), first.is_new(), second.is_new()) == (True, False, True)


def test_a_catalog_notices_a_changed_folder(cards: Path) -> None:
    catalog = load_catalog(cards)
    assert catalog.get(NAME).title != "Mine"
    raw = catalog.get(NAME).model_dump() | {"title": "Mine"}
    (cards / "card.json").write_text(json.dumps(raw))
    assert catalog.get(NAME).title == "Mine"


def test_models_that_cannot_be_loaded_keep_no_worker_from_its_start(
    cards: Path, store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    registry = ModelRegistry(Catalog([load_catalog().get(NAME)], cards), store)
    (cards / "half.json").write_text('{"name": "half", "preload": true}')
    mine = transform_card(cards / "nowhere", name="mine", default=True, preload=True)
    (cards / "mine.json").write_text(mine.model_dump_json())
    registry.preload(["half", "nobody"])
    assert [loaded.name for loaded in registry.loaded()] == [NAME]
    told = {vars(record)["model"]: vars(record)["detail"] for record in caplog.records if "not" in record.msg}
    assert set(told) == {"mine", "half", "nobody"}
    assert "atelier models pull mine" in told["mine"]
    assert f"{cards / 'half.json'}: version is missing" in told["half"].replace("kind is missing; ", "")


def test_a_preloaded_model_that_was_pulled_meanwhile_comes_with_the_next_reload(
    cards: Path, store: ModelStore, tmp_path: Path
) -> None:
    registry = ModelRegistry(Catalog([], cards), store)
    card = transform_card(export(negative(), tmp_path / "negative"), name="mine", preload=True)
    (cards / "mine.json").write_text(card.model_dump_json())
    registry.preload()
    assert registry.loaded() == ()
    store.pull(card)
    registry.refresh()
    assert [loaded.name for loaded in registry.loaded()] == ["mine"]


def test_a_card_that_is_torn_later_leaves_its_loaded_model_in_service(
    registry: ModelRegistry, cards: Path, store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    announce(cards, store, "9")
    old = registry.get(NAME)
    text = (cards / "card.json").read_text()
    (cards / "card.json").write_text(text[: len(text) // 2])
    registry.refresh()
    assert registry.get(NAME) is old
    assert any("card.json" in str(vars(record).get("detail")) for record in caplog.records)


def test_a_network_exported_again_under_its_version_is_told_and_comes_when_asked_for(
    cards: Path, store: ModelStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = export(negative(), tmp_path / "network")
    card = transform_card(folder, name="mine", preload=True)
    (cards / "mine.json").write_text(card.model_dump_json())
    store.pull(card)
    registry = ModelRegistry(load_catalog(cards), store)
    old = registry.get("mine")
    assert not caplog.records
    export(sepia(), folder)
    registry.refresh()
    assert registry.get("mine") is old
    (record,) = [record for record in caplog.records if "source has changed" in record.msg]
    assert "atelier models pull --replace mine" in vars(record)["detail"]
    store.pull(card, replace=True)
    caplog.clear()
    registry.refresh()
    assert registry.get("mine") is not old
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
