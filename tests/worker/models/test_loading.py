from pathlib import Path

import pytest

from shared.cards.card import ModelCard, load_catalog
from shared.errors import ModelCorrupt, ModelUnavailable
from worker.models.builders import BUILDERS
from worker.models.loading import load_model
from worker.models.store import ModelStore


def test_a_model_that_was_not_pulled_is_unavailable(plain_card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="run `atelier models pull painter`"):
        load_model(plain_card, ModelStore(tmp_path))


def test_a_damaged_model_is_never_loaded(plain_card: ModelCard, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    (store.pull(plain_card).folder / "saved_model.pb").write_bytes(b"changed")
    with pytest.raises(ModelCorrupt, match=r"saved_model\.pb"):
        load_model(plain_card, store)


def test_every_builtin_card_has_its_builder() -> None:
    named = {card.source.builder for card in load_catalog() if card.source.type == "builtin"}
    assert named == set(BUILDERS)


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("name", ["magenta-mobile", "mnist-dcgan", "multistyle-26"])
def test_the_builtin_models_pull_without_a_network_and_load(name: str, tmp_path: Path) -> None:
    card, store = load_catalog().get(name), ModelStore(tmp_path)
    stored = store.pull(card)
    model = load_model(card, store)
    assert model.card == card
    assert model.digest == stored.manifest.digest
    model.warm_up()
