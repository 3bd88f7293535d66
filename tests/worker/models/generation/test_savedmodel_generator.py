"""A generator that somebody else saved is put into service by its card, or refused with the reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ModelCorrupt
from tests.support.models.generator_cards import generator_card
from worker.models.generation.latents import latent
from worker.models.loading import load_model
from worker.models.store import ModelStore

pytestmark = pytest.mark.tensorflow


def saved(folder: Path, kind: str, size: int = 16, **options: Any) -> Path:
    from tests.support.models import generator_modules

    target = folder / "given"
    getattr(generator_modules, kind)(size, **options).save(str(target))
    return target


def loaded(folder: Path, **changes: Any) -> Any:
    card, store = generator_card(folder, **changes), ModelStore(folder.parent / "store")
    store.pull(card)
    return load_model(card, store)


def latents(count: int, size: int = 16) -> np.ndarray:
    shape = generator_card(Path(), normals=size).latent
    assert shape is not None
    return np.stack([latent(shape, seed, None, 1.0) for seed in range(count)])


def expected(vectors: np.ndarray, side: int = 8) -> np.ndarray:
    """What `Blocks` draws, worked out in numpy."""
    size = vectors.shape[1]
    weights = np.sin(np.arange(size * 48)).reshape(size, 48)
    blocks = 1 / (1 + np.exp(-(vectors.astype(float) @ weights)))
    return blocks.reshape(-1, 4, 4, 3).repeat(side // 4, axis=1).repeat(side // 4, axis=2) * 255


def test_the_hubs_convention_for_generators_is_followed(tmp_path: Path) -> None:
    """progan-128: signatures["default"], 512 normals in, 128 x 128 color pictures in 0..1 out."""
    model = loaded(saved(tmp_path, "HubBlocks", 512, side=128), normals=512, side=128)
    model.warm_up()
    pictures = model.generate(latents(6, 512))
    assert (pictures.shape, pictures.dtype) == ((6, 128, 128, 3), np.uint8)
    assert np.abs(pictures - expected(latents(6, 512), 128)).max() < 0.6


@pytest.mark.parametrize("kind", ["HubBlocks", "CallableBlocks"])
def test_every_way_to_call_a_generator_gives_its_pictures(tmp_path: Path, kind: str) -> None:
    model = loaded(saved(tmp_path, kind))
    assert np.abs(model.generate(latents(9)) - expected(latents(9))).max() < 0.6
    assert model.generate(np.empty((0, 16), np.float32)).shape == (0, 8, 8, 3)


def test_bytes_are_taken_as_they_are(tmp_path: Path) -> None:
    pictures = loaded(saved(tmp_path, "ByteBlocks")).generate(latents(5))
    assert np.abs(pictures - np.floor(expected(latents(5)))).max() <= 1


def test_values_from_minus_one_to_one_are_mapped_by_the_cards_range(tmp_path: Path) -> None:
    model = loaded(saved(tmp_path, "HubBlocks", low=-1.0, high=1.0), value_range=(-1.0, 1.0))
    assert np.abs(model.generate(latents(5)) - expected(latents(5))).max() < 0.6


@pytest.mark.slow
def test_a_keras_generator_is_served_as_it_was_exported(tmp_path: Path) -> None:
    import keras

    layers = [
        keras.Input((16,)),
        keras.layers.Dense(4 * 4 * 3, activation="tanh"),
        keras.layers.Reshape((4, 4, 3)),
        keras.layers.BatchNormalization(),
        keras.layers.UpSampling2D(2),
    ]
    network = keras.Sequential(layers)
    network.export(str(tmp_path / "given"), verbose=False)
    model = loaded(tmp_path / "given", value_range=(-1.0, 1.0))
    values = np.clip(np.asarray(network(latents(7), training=False)), -1, 1)
    assert np.abs(model.generate(latents(7)) - (values + 1) * 127.5).max() < 0.6


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return loaded(saved(tmp_path_factory.mktemp("blocks"), "HubBlocks"))


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(20)), cuts=st.sets(st.integers(1, 19)))
def test_a_picture_is_the_same_in_any_company(blocks: Any, order: list[int], cuts: set[int]) -> None:
    whole = blocks.generate(latents(20))
    groups = np.split(np.array(order), sorted(cuts))
    together = np.concatenate([blocks.generate(latents(20)[group]) for group in groups])
    assert together.tobytes() == whole[order].tobytes()


@pytest.mark.parametrize(
    ("kind", "options", "changes", "message"),
    [
        ("HubBlocks", {}, {"normals": 20}, r"takes float32 \(None, 16\); its card says \(4, 20\)"),
        ("HubBlocks", {}, {"latent": {"normals": 16, "classes": 10}}, "of 16 normals and 10 classes"),
        ("HubBlocks", {"batch": 2}, {}, r"takes float32 \(2, 16\); .* 4 latents \(max_batch\)"),
        ("HubBlocks", {}, {"side": 16}, r"shape \(4, 8, 8, 3\); its card says \(4, 16, 16, 3\)"),
        ("CallableBlocks", {}, {"normals": 20}, "cannot draw"),
        ("HubBlocks", {"low": -1.0}, {}, "from -0.98 to 0.98; its card says 0 to 1: set value_range"),
        ("BrokenBlocks", {}, {}, "from nan to nan"),
        ("NoisyBlocks", {}, {}, "draws noise of its own"),
        ("MixingBlocks", {}, {}, "set max_batch to 1"),
        ("PairBlocks", {}, {}, "takes labels, latents; a generator takes latents"),
    ],
)
def test_a_network_that_is_not_what_its_card_says_is_refused(
    tmp_path: Path, kind: str, options: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    folder = saved(tmp_path, kind, **options)
    with pytest.raises(ModelCorrupt, match=message):
        loaded(folder, **changes)


def test_a_network_that_mixes_its_batch_can_be_served_one_by_one(tmp_path: Path) -> None:
    model = loaded(saved(tmp_path, "MixingBlocks"), max_batch=1)
    assert len(model.generate(latents(3))) == 3


def test_a_savedmodel_that_cannot_be_called_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), str(tmp_path / "given"))
    with pytest.raises(ModelCorrupt, match="no signature and cannot be called"):
        loaded(tmp_path / "given")
