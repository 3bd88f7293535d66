"""The network and its losses, against the serving network and an independent computation."""

from typing import Any

import numpy as np
import pytest

from tests.support.images.float_pictures import noise, photo
from tests.support.models.float64_transformer import paint
from tests.support.models.model_cards import stylize_card
from worker.models.nst.target import CONTENT_SCALE, PLACES, STYLE_SCALE, VARIATION_SCALE, LossWeights

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

STYLE = photo("coffee", 40, 56)


def trainer(weights: LossWeights) -> Any:
    from tests.worker.training.stylizer.features import features
    from worker.models.nst.losses import FeatureNetwork
    from worker.training.stylizer.network import StylizerNetwork
    from worker.training.stylizer.train_step import StylizerTrainer

    network = FeatureNetwork(stylize_card({"type": "builtin", "builder": "x"}), features)
    return StylizerTrainer(StylizerNetwork(4, 5, blocks=1), network, style_grams(), weights)


def products(layer: np.ndarray) -> np.ndarray:
    """Return the mean product of each pair of channels, pair by pair."""
    channels = layer.shape[-1]
    matrix = np.zeros((channels, channels))
    for a in range(channels):
        for b in range(channels):
            matrix[a, b] = np.mean(layer[..., a].astype(np.float64) * layer[..., b])
    return matrix


def style_layers(picture: np.ndarray, moved: np.ndarray) -> list[np.ndarray]:
    """Return what is compared by products: colors with a channel of ones, and the tiny network's layer."""
    ones = np.ones((*picture.shape[:2], 1))
    return [np.concatenate([picture, ones], 2), moved[::2, ::2].astype(np.float64) ** 2]


def style_grams() -> list[np.ndarray]:
    return [products(layer).astype(np.float32) for layer in style_layers(STYLE, STYLE)]


def moved(picture: np.ndarray, place: tuple[int, int]) -> np.ndarray:
    wide = np.pad(picture, [(0, 8), (0, 8), (0, 0)], mode="reflect")
    return wide[place[0] : place[0] + len(picture), place[1] : place[1] + picture.shape[1]]


def expected(painted: np.ndarray, content: np.ndarray, place: tuple[int, int]) -> list[float]:
    pairs = zip(style_layers(painted, moved(painted, place)), style_grams(), strict=True)
    style = [np.sum((products(layer) - wanted) ** 2) / np.sum(wanted**2) for layer, wanted in pairs]
    seen, wanted = (2 * moved(each, place).astype(np.float64) for each in (painted, content))
    down, across = np.diff(painted, axis=0), np.diff(painted, axis=1)
    return [
        float(np.mean(style)),
        float(np.mean((seen - wanted) ** 2) / np.var(wanted)),
        float(np.mean(down**2) + np.mean(across**2)),
    ]


@pytest.mark.parametrize("turn", range(len(PLACES)))
def test_the_losses_are_those_of_an_independent_computation(turn: int) -> None:
    photos = np.stack([photo("chelsea", 32, 32), noise(32, 32)])
    subject = trainer(LossWeights(2, 3, 4))
    painted = subject.network(photos).numpy()
    measured = subject.step(photos, rate=0.0, turn=turn)
    each = [expected(*pair, PLACES[turn]) for pair in zip(painted, photos, strict=True)]
    style, content, variation = np.mean(each, axis=0)
    found = (measured.style, measured.content, measured.variation)
    assert found == pytest.approx((style, content, variation), rel=1e-3)
    total = 2 * STYLE_SCALE * style + 3 * CONTENT_SCALE * content + 4 * VARIATION_SCALE * variation
    assert measured.total == pytest.approx(total, rel=1e-3)


def test_a_measurement_updates_nothing() -> None:
    subject, photos = trainer(LossWeights()), photo("chelsea", 32, 32)[None]
    before = subject.state()
    measured = subject.measure(photos, photos)
    assert (measured.content, [*map(np.ndim, before)]) == (0.0, [*map(np.ndim, subject.state())])
    assert all(np.array_equal(*pair) for pair in zip(before, subject.state(), strict=True))


def test_the_loss_falls_on_a_tiny_problem() -> None:
    subject, photos = trainer(LossWeights(1, 0.1, 0.1)), photo("chelsea", 32, 32)[None]
    losses = [subject.step(photos, rate=0.01, turn=0).total for _ in range(40)]
    assert min(losses[-5:]) < 0.5 * losses[0]


def test_the_network_in_training_is_the_one_that_serves() -> None:
    from worker.models.style_network.fast import FastTransformer
    from worker.training.stylizer.network import StylizerNetwork

    network, chance = StylizerNetwork(4, 5), np.random.default_rng(2)
    for variable in network.variables:
        variable.assign(variable + 0.3 * chance.standard_normal(variable.shape))
    content, weights = photo("chelsea", 48, 64), network.weights()
    trained = network(content[None]).numpy()[0]
    served = FastTransformer(weights)((content[None], np.ones((1, 1), np.float32))).numpy()[0]
    np.testing.assert_allclose(trained, served, atol=2e-4)
    np.testing.assert_allclose(trained, paint(weights, content, np.ones(1)), atol=2e-4)


def test_a_seed_gives_the_same_network() -> None:
    from worker.training.stylizer.network import StylizerNetwork

    one, same, other = (
        np.concatenate([variable.numpy().ravel() for variable in StylizerNetwork(4, seed).variables])
        for seed in (3, 3, 4)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
