import numpy as np
import pytest

from worker.models.generation.dcgan import Architecture

pytestmark = pytest.mark.tensorflow

DIGITS = Architecture()


@pytest.mark.parametrize("architecture", [DIGITS, Architecture(16, 3, 0), Architecture(36, 3, 2)])
def test_folding_normalization_changes_no_picture(architecture: Architecture) -> None:
    from worker.models.generation.generator import build_generator
    from worker.training.train_step import build_training_generator, fold_normalization

    chance = np.random.default_rng(4)
    training, serving = build_training_generator(architecture, seed=3), build_generator(architecture)
    kernels = training.get_weights()
    weights = [w if w.ndim > 1 else chance.uniform(0.5, 1.5, w.shape).astype(np.float32) for w in kernels]
    training.set_weights(weights)
    serving.set_weights(fold_normalization(weights))
    latents = chance.standard_normal((4, architecture.latent.size), np.float32)
    expected, folded = training(latents, training=False), serving(latents)
    assert folded.shape == (4, *architecture.picture_shape)
    np.testing.assert_allclose(folded, expected, atol=3e-5)


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    from worker.training.train_step import build_training_generator

    one, same, other = (build_training_generator(DIGITS, seed=seed).get_weights()[0] for seed in (5, 5, 6))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


@pytest.mark.parametrize(("classes", "logits"), [(10, 11), (0, 1)])
def test_the_discriminator_gives_a_logit_more_than_classes(classes: int, logits: int) -> None:
    from worker.training.train_step import build_discriminator

    model = build_discriminator(Architecture(classes=classes), seed=1)
    shapes = [layer.output.shape[1:] for layer in model.layers]
    assert shapes == [*[(14, 14, 64)] * 2, *[(7, 7, 128)] * 4, (1, 1, logits)]
    assert model.layers[-1].kernel_size == (7, 7)
