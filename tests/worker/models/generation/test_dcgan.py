from pathlib import Path

import numpy as np
import pytest

from shared.cards.card import ModelCard, load_catalog
from shared.cards.parts import Latent, Picture
from shared.errors import ModelCorrupt, ModelUnavailable
from worker.models.generation.dcgan import (
    RECORD_NAME,
    WEIGHTS_NAME,
    Architecture,
    read_weights,
    write_weights,
)


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


RECIPE = {"steps": 7, "batch_size": 4, "seed": 1, "generator_rate": 0.1}


@pytest.fixture
def weights() -> list[np.ndarray]:
    chance = np.random.default_rng(0)
    return [chance.standard_normal((3, index + 1), np.float32) for index in range(8)]


@pytest.fixture
def folder(tmp_path: Path, weights: list[np.ndarray]) -> Path:
    write_weights(tmp_path, weights, hyperparameters=RECIPE, data="d" * 64)
    return tmp_path


def test_written_weights_come_back_in_half_precision(folder: Path, weights: list[np.ndarray]) -> None:
    record, read = read_weights(folder)
    assert (record.steps, record.batch_size, record.seed, record.data) == (7, 4, 1, "d" * 64)
    for back, array in zip(read, weights, strict=True):
        assert back.dtype == np.float32
        assert back.tolist() == array.astype(np.float16).tolist()


def test_equal_weights_give_equal_bytes(folder: Path, weights: list[np.ndarray]) -> None:
    before = (folder / WEIGHTS_NAME).read_bytes()
    write_weights(folder, weights, hyperparameters=RECIPE, data="d" * 64)
    assert (folder / WEIGHTS_NAME).read_bytes() == before


@pytest.mark.parametrize("name", [WEIGHTS_NAME, RECORD_NAME])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelUnavailable, match=name):
        read_weights(folder)


def test_a_changed_byte_is_noticed(folder: Path) -> None:
    path = folder / WEIGHTS_NAME
    damaged = bytearray(path.read_bytes())
    damaged[100] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ModelCorrupt, match="sha256"):
        read_weights(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"sha256": "x"}'])
def test_a_record_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / RECORD_NAME).write_text(text)
    with pytest.raises(ModelCorrupt, match="record"):
        read_weights(folder)
