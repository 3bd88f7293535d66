from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.cards.card import ModelCard, load_catalog
from shared.errors import ModelCorrupt, ModelUnavailable, OutOfMemory
from worker.models.generation.dcgan import (
    RECORD_NAME,
    WEIGHTS_NAME,
    Architecture,
    read_weights,
    write_weights,
)
from worker.models.generation.latents import latent

pytestmark = pytest.mark.tensorflow

RECIPE = {"steps": 0, "batch_size": 1, "seed": 0}


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return load_catalog().get("mnist-dcgan")


@pytest.fixture(scope="module")
def generator(card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from worker.models.generation.dcgan import build_mnist_dcgan
    from worker.models.generation.generator import Generator

    folder = tmp_path_factory.mktemp("mnist-dcgan")
    build_mnist_dcgan(folder)
    loaded = Generator.load(card, folder)
    loaded.warm_up()
    return loaded


@pytest.fixture(scope="module")
def latents(card: ModelCard) -> np.ndarray:
    assert card.latent is not None
    return np.stack([latent(card.latent, seed, None, 1.0) for seed in range(40)])


@pytest.fixture(scope="module")
def pictures(generator: Any, latents: np.ndarray) -> np.ndarray:
    return generator.generate(latents)


def test_pictures_are_bright_strokes_on_black(pictures: np.ndarray) -> None:
    assert pictures.shape == (40, 28, 28, 1)
    assert pictures.dtype == np.uint8
    inked = (pictures > 127).mean(axis=(1, 2, 3))
    assert pictures[:, [0, -1]].max() < 60
    assert inked.min() > 0.02
    assert inked.max() < 0.35


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(40)), cuts=st.sets(st.integers(1, 39)))
def test_a_picture_is_the_same_in_any_company(
    generator: Any, latents: np.ndarray, pictures: np.ndarray, order: list[int], cuts: set[int]
) -> None:
    groups = np.split(np.array(order), sorted(cuts))
    together = np.concatenate([generator.generate(latents[group]) for group in groups])
    assert together.tobytes() == pictures[order].tobytes()


def test_no_latents_give_no_pictures(generator: Any) -> None:
    assert generator.generate(np.empty((0, 100), np.float32)).shape == (0, 28, 28, 1)


def test_different_digits_of_one_seed_differ(generator: Any, card: ModelCard) -> None:
    assert card.latent is not None
    ten = generator.generate(np.stack([latent(card.latent, 3, digit, 1.0) for digit in range(10)]))
    assert len({picture.tobytes() for picture in ten}) == 10


def test_the_digest_is_that_of_the_weights_file(generator: Any) -> None:
    from worker.models.generation.dcgan import BUNDLED_FOLDER, read_weights

    assert generator.digest == read_weights(BUNDLED_FOLDER)[0].sha256


def test_an_empty_folder_is_no_model(card: ModelCard, tmp_path: Path) -> None:
    from worker.models.generation.generator import Generator

    with pytest.raises(ModelUnavailable, match="missing"):
        Generator.load(card, tmp_path)


def test_weights_of_another_network_are_refused(card: ModelCard, tmp_path: Path) -> None:
    from worker.models.generation.generator import Generator

    write_weights(tmp_path, [np.zeros((2, 2), np.float32)] * 8, hyperparameters=RECIPE, data="")
    with pytest.raises(ModelCorrupt, match="another network"):
        Generator.load(card, tmp_path)


def test_a_card_of_another_picture_is_refused(card: ModelCard, tmp_path: Path) -> None:
    from worker.models.generation.generator import Generator

    assert card.picture is not None
    wide = card.model_copy(update={"picture": card.picture.model_copy(update={"width": 32})})
    with pytest.raises(ModelCorrupt, match="square pictures"):
        Generator.load(wide, tmp_path)


def test_the_generator_has_the_seed_s_layers() -> None:
    from worker.models.generation.generator import build_generator

    model = build_generator(Architecture())
    shapes = [layer.output.shape[1:] for layer in model.layers]
    assert shapes == [(12544,), (7, 7, 256), (7, 7, 128), (14, 14, 64), (28, 28, 1)]
    assert [layer.kernel_size for layer in model.layers[2:]] == [(5, 5)] * 3
    assert model.layers[-1].activation.__name__ == "tanh"
    assert model.count_params() == 2_292_737


@pytest.mark.parametrize("architecture", [Architecture(), Architecture(16, 3, 0)])
def test_the_serving_network_gives_the_bits_of_the_keras_model(architecture: Architecture) -> None:
    import tensorflow as tf

    from worker.models.generation.generator import GeneratorNetwork, build_generator

    random, model = np.random.default_rng(4), build_generator(architecture)
    weights = [random.normal(0, 0.05, array.shape).astype(np.float32) for array in model.get_weights()]
    model.set_weights(weights)
    network = GeneratorNetwork(architecture, weights)
    latents = tf.constant(random.normal(size=(4, architecture.latent.size)), tf.float32)
    compiled = tf.function(network.__call__, jit_compile=True, autograph=False)
    by_keras = tf.function(lambda values: model(values, training=False), jit_compile=True)
    assert (compiled(latents).numpy() == by_keras(latents).numpy()).all()
    assert np.ptp(compiled(latents).numpy()) > 0.1
    with pytest.raises(ValueError, match="the weights have the shapes"):
        GeneratorNetwork(architecture, weights[::-1])


@pytest.mark.parametrize("architecture", [Architecture(16, 3, 0), Architecture(64, 3, 4)])
def test_other_sizes_differ_in_the_first_and_last_layer_alone(architecture: Architecture) -> None:
    from worker.models.generation.generator import build_generator

    model = build_generator(architecture)
    cells, filters = architecture.side // 4, (128, 64, architecture.channels)
    assert model.input_shape == (None, 90 + architecture.classes)
    assert model.layers[0].units == cells * cells * 256
    assert tuple(layer.filters for layer in model.layers[2:]) == filters
    assert model.output_shape == (None, *architecture.picture_shape)


def test_the_bundled_weights_are_the_recorded_ones_and_small(tmp_path: Path) -> None:
    from worker.models.generation.dcgan import build_mnist_dcgan
    from worker.models.generation.generator import build_generator

    build_mnist_dcgan(tmp_path)
    record, weights = read_weights(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [RECORD_NAME, WEIGHTS_NAME]
    assert (tmp_path / WEIGHTS_NAME).stat().st_size < 5_000_000
    assert record.precision == "float16"
    assert [w.shape for w in weights] == [w.shape for w in build_generator(Architecture()).get_weights()]
    assert load_catalog().get("mnist-dcgan").source.model_dump()["builder"] == "mnist-dcgan"


def test_half_as_many_latents_at_once_give_the_same_pictures_up_to_a_level(
    generator: Any, latents: np.ndarray, pictures: np.ndarray
) -> None:
    smaller = generator.generate_smaller(latents)
    assert np.abs(smaller.astype(int) - pictures).max() <= 1


def test_a_lack_of_memory_is_told_as_one(generator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    def without_memory(_: np.ndarray) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "no memory")

    monkeypatch.setattr(generator, "_run", without_memory)
    with pytest.raises(OutOfMemory):
        generator.generate(np.zeros((16, 100), np.float32))


@pytest.mark.parametrize(("least", "sizes"), [(1, [1, 1, 16]), (2, [2, 16]), (3, [16, 16])])
def test_few_latents_go_alone_where_that_gives_the_same_numbers(
    card: ModelCard, least: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    from worker.models.generation.generator import Generator

    def draw(latents: Any) -> Any:
        rows = latents.shape[0]
        flat = tf.tile(latents[:, :1] / (2.0 if rows < least else 3.0), [1, 28 * 28])
        return tf.tanh(tf.reshape(flat, (rows, 28, 28, 1)))

    network = SimpleNamespace(layers=[tf.identity, draw])  # the first may see more rows
    generator, drawn = Generator(card, Architecture(), network, "digest"), []
    generator.warm_up()
    values = generator._values
    monkeypatch.setattr(generator, "_values", lambda z, run: drawn.append(len(z)) or values(z, run))
    latents = np.random.default_rng(1).standard_normal((5, 100), np.float32)
    few, more = generator.generate(latents[:2]), generator.generate(latents)
    assert drawn == sizes
    assert few.tobytes() == more[:2].tobytes()
