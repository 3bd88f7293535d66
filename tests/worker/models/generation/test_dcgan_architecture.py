import pytest

from shared.cards.card import ModelCard, load_catalog
from shared.cards.parts import Latent, Picture
from shared.errors import ModelCorrupt
from worker.models.generation.dcgan_architecture import Architecture


@pytest.fixture
def card() -> ModelCard:
    return load_catalog().get("mnist-dcgan")


def test_the_bundled_card_is_of_the_digits(card: ModelCard) -> None:
    assert Architecture.of(card) == Architecture(28, 1, 10)


@pytest.mark.parametrize("architecture", [Architecture(), Architecture(128, 3, 0), Architecture(16, 1, 256)])
def test_a_card_gives_back_its_architecture(card: ModelCard, architecture: Architecture) -> None:
    told = card.model_copy(update={"latent": architecture.latent, "picture": architecture.picture})
    assert Architecture.of(told) == architecture


@pytest.mark.parametrize(
    "update",
    [
        {"latent": None},
        {"picture": None},
        {"latent": Latent(normals=100, classes=0)},
        {"picture": Picture(width=32, height=28, channels=1)},
        {"picture": Picture(width=30, height=30, channels=1)},
        {"picture": Picture(width=132, height=132, channels=3)},
    ],
)
def test_a_card_of_no_such_network_is_refused_by_name(card: ModelCard, update: dict[str, object]) -> None:
    with pytest.raises(ModelCorrupt, match="mnist-dcgan must have"):
        Architecture.of(card.model_copy(update=update))
