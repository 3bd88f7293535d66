from pathlib import Path

import numpy as np
import pytest

from shared.cards.card import load_catalog
from shared.cards.parts import TrainedSource
from shared.errors import ModelCorrupt
from worker.models.generation.dcgan import Architecture, write_weights
from worker.models.generation.latents import latent
from worker.models.store import ModelStore
from worker.training.early_stopping import EarlyStopping

pytestmark = pytest.mark.tensorflow

RECIPE = {"steps": 3, "batch_size": 1, "seed": 0}
PETS = Architecture(16, 3, 2)


def write_run(folder: Path, fill: float) -> Path:
    from worker.models.generation.generator import build_generator

    folder.mkdir(exist_ok=True)
    weights = [np.full_like(array, fill) for array in build_generator(PETS).get_weights()]
    return write_weights(folder, weights, hyperparameters=RECIPE, data="d" * 64)


def test_a_published_run_is_a_model_that_a_worker_loads(tmp_path: Path) -> None:
    from worker.models.loading import load_model
    from worker.training.publish import publish
    from worker.training.run import Trained

    trained = Trained(write_run(tmp_path / "run", 0.01), PETS, ("cat", "dog"), EarlyStopping(3))
    store = ModelStore(tmp_path / "models")
    published = publish(trained, "pets", store=store, cards=tmp_path / "cards")
    card = load_catalog(tmp_path / "cards").get("pets", "generate")
    assert card == published
    assert "0 cat, 1 dog" in card.description
    assert card.latent is not None
    model = load_model(card, store)
    latents = np.stack([latent(card.latent, 1, digit, 1.0) for digit in (0, 1)])
    assert model.generate(latents).shape == (2, 16, 16, 3)
    assert model.card.version == published.version


def test_other_weights_are_another_version(tmp_path: Path) -> None:
    from worker.training.publish import publish
    from worker.training.run import Trained

    store = ModelStore(tmp_path / "models")
    for fill in (0.01, 0.02, 0.02):
        trained = Trained(write_run(tmp_path / "run", fill), PETS, (), EarlyStopping(3))
        publish(trained, "pets", store=store, cards=tmp_path / "cards")
    assert len(store.list()) == 2
    assert [path.name for path in (tmp_path / "cards").iterdir()] == ["pets.json"]


def test_a_run_that_was_trained_on_does_not_pass_for_the_published_one(tmp_path: Path) -> None:
    from worker.training.publish import make_card
    from worker.training.run import Trained

    card = make_card(Trained(write_run(tmp_path / "run", 0.01), PETS, (), EarlyStopping(3)), "pets")
    assert isinstance(card.source, TrainedSource)
    write_run(tmp_path / "run", 0.02)
    with pytest.raises(ModelCorrupt, match="holds weights of sha256"):
        ModelStore(tmp_path / "models").pull(card)


def test_a_name_that_the_distribution_uses_stays_the_default(tmp_path: Path) -> None:
    from worker.training.publish import make_card
    from worker.training.run import Trained

    card = make_card(Trained(write_run(tmp_path / "run", 0.01), PETS, (), EarlyStopping(3)), "mnist-dcgan")
    assert (card.default, card.preload) == (True, True)
