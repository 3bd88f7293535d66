from pathlib import Path

import numpy as np
import pytest

from shared.cards import load_catalog
from worker.models.dcgan_weights import RECORD_NAME, WEIGHTS_NAME, read_weights

pytestmark = pytest.mark.tensorflow


def test_the_generator_has_the_seed_s_layers() -> None:
    from worker.models.dcgan import build_generator

    model = build_generator()
    shapes = [layer.output.shape[1:] for layer in model.layers]
    assert shapes == [(12544,), (7, 7, 256), (7, 7, 128), (14, 14, 64), (28, 28, 1)]
    assert [layer.kernel_size for layer in model.layers[2:]] == [(5, 5)] * 3
    assert model.layers[-1].activation.__name__ == "tanh"
    assert model.count_params() == 2_292_737


def test_the_plain_discriminator_ends_in_a_sigmoid_over_the_whole_map() -> None:
    from worker.models.dcgan import build_discriminator

    model = build_discriminator()
    last = model.layers[-1]
    assert [layer.output.shape[1:] for layer in model.layers[::2]] == [(14, 14, 64), (7, 7, 128), (1, 1, 1)]
    assert (last.kernel_size, last.padding, last.activation.__name__) == ((7, 7), "valid", "sigmoid")


def test_the_conditional_discriminator_gives_a_logit_more_than_classes() -> None:
    from worker.models.dcgan import build_discriminator

    model = build_discriminator(10)
    assert model.layers[-1].output.shape[1:] == (1, 1, 11)
    assert model.layers[-1].activation.__name__ == "linear"


def test_folding_normalization_changes_no_picture() -> None:
    from worker.models.dcgan import build_generator, build_training_generator, fold_normalization

    chance = np.random.default_rng(4)
    training, serving = build_training_generator(seed=3), build_generator()
    kernels = training.get_weights()
    weights = [w if w.ndim > 1 else chance.uniform(0.5, 1.5, w.shape).astype(np.float32) for w in kernels]
    training.set_weights(weights)
    serving.set_weights(fold_normalization(weights))
    latents = chance.standard_normal((4, 100), np.float32)
    expected, folded = training(latents, training=False), serving(latents)
    np.testing.assert_allclose(folded, expected, atol=2e-5)


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    from worker.models.dcgan import build_training_generator

    one, same, other = (build_training_generator(seed=seed).get_weights()[0] for seed in (5, 5, 6))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_the_bundled_weights_are_the_recorded_ones_and_small(tmp_path: Path) -> None:
    from worker.models.dcgan import build_generator, build_mnist_dcgan

    build_mnist_dcgan(tmp_path)
    record, weights = read_weights(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [RECORD_NAME, WEIGHTS_NAME]
    assert (tmp_path / WEIGHTS_NAME).stat().st_size < 5_000_000
    assert record.precision == "float16"
    assert [w.shape for w in weights] == [w.shape for w in build_generator().get_weights()]
    assert load_catalog().get("mnist-dcgan").source.model_dump()["builder"] == "mnist-dcgan"
