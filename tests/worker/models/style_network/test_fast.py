"""The rewritten network against the plain one and against a float64 reference."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.images.float_pictures import noise, photo
from tests.support.models.float64_transformer import paint
from worker.models.style_network.weights import TransformerWeights
from worker.models.stylization.magenta_mobile import magenta_transformer

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]  # pictures (n, h, w, 3) and styles to pictures


@dataclass(frozen=True)
class Networks:
    weights: TransformerWeights
    plain: Paint
    fast: Paint


def traced(network: Callable[[Any], Any], style_size: int) -> Paint:
    import tensorflow as tf

    shapes = [tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, style_size])]
    function = tf.function(lambda *inputs: network(inputs), shapes, autograph=False)
    return lambda pictures, styles: function(pictures, styles).numpy()


def networks_of(weights: TransformerWeights) -> Networks:
    from tests.support.models.reference_network import build_style_transformer
    from worker.models.style_network.fast import FastTransformer

    plain, fast = build_style_transformer(weights), FastTransformer(weights)
    size = weights.style_size
    return Networks(weights, traced(lambda pair: plain(list(pair)), size), traced(fast, size))


@pytest.fixture(scope="module")
def magenta() -> Networks:
    return networks_of(magenta_transformer())


@pytest.fixture(scope="module")
def style() -> np.ndarray:
    """A vector as the predictor gives them: mean 0, deviation 0.7."""
    return (0.7 * np.random.default_rng(3).standard_normal((1, 100))).astype(np.float32)


def differences(one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    apart = np.abs(one - two)
    return float(apart.mean()), float(apart.max())


@pytest.mark.parametrize("make", [noise, lambda *size: photo("chelsea", *size)], ids=["noise", "photo"])
@pytest.mark.parametrize(("height", "width"), [(384, 384), (200, 300), (16, 16), (8, 12)])
def test_pictures_equal_those_of_the_plain_network(
    magenta: Networks, style: np.ndarray, make: Callable[..., np.ndarray], height: int, width: int
) -> None:
    content = make(height, width)[None]
    mean, largest = differences(magenta.fast(content, style), magenta.plain(content, style))
    assert mean <= 1e-5  # seen: at most 3e-6 (the plain network's own rounding, see below)
    assert largest <= 1e-4  # seen: 2e-5


@pytest.mark.parametrize(("height", "width"), [(256, 256), (40, 64)])
def test_pictures_are_those_of_float64_arithmetic(
    magenta: Networks, style: np.ndarray, height: int, width: int
) -> None:
    content = photo("coffee", height, width)
    expected = paint(magenta.weights, content, style[0])
    mean, largest = differences(magenta.fast(content[None], style)[0], expected)
    assert mean <= 1e-6  # seen: 1e-7 to 3e-7; the plain network: up to 3e-6
    assert largest <= 2e-5


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quarters=st.tuples(*[st.integers(2, 24)] * 2), seed=st.integers(0, 2**32 - 1))
def test_any_size_down_to_8_and_any_style_agree(
    magenta: Networks, quarters: tuple[int, int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    content = random.random((1, 4 * quarters[0], 4 * quarters[1], 3), np.float32)
    vector = random.standard_normal((1, 100)).astype(np.float32)
    mean, largest = differences(magenta.fast(content, vector), magenta.plain(content, vector))
    assert mean <= 1e-4  # below 16 pixels a norm sees as few as 4 numbers, and rounding is amplified
    assert largest <= 2e-3


def test_a_picture_that_is_flat_but_for_a_strip_agrees(magenta: Networks, style: np.ndarray) -> None:
    content = photo("chelsea", 128, 160)
    content[32:] = 0.5
    expected = paint(magenta.weights, content, style[0])
    assert differences(magenta.fast(content[None], style)[0], expected)[1] <= 5e-5


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_wholly_flat_picture_is_painted_too(magenta: Networks, style: np.ndarray, value: float) -> None:
    # Every deviation is 0, so the norms amplify nothing but rounding, in the plain network as well: no two
    # ways of computing agree here, but for the color.
    content = np.full((1, 32, 40, 3), value, np.float32)
    painted, expected = magenta.fast(content, style), paint(magenta.weights, content[0], style[0])
    assert np.isfinite(painted).all()
    np.testing.assert_allclose(painted.mean((1, 2))[0], expected.mean((0, 1)), atol=0.1)
    np.testing.assert_array_equal(painted, magenta.fast(content, style))


def test_the_same_picture_gives_the_same_bytes_whatever_the_batch(
    magenta: Networks, style: np.ndarray
) -> None:
    contents = np.stack([noise(48, 60, seed) for seed in range(4)])
    alone = [magenta.fast(content[None], style) for content in contents]
    np.testing.assert_array_equal(magenta.fast(contents, style), np.concatenate(alone))
    np.testing.assert_array_equal(magenta.fast(contents[2:3], style), alone[2])


def test_each_picture_can_have_its_own_style(magenta: Networks, style: np.ndarray) -> None:
    contents, styles = np.stack([noise(16, 16)] * 2), np.concatenate([style, -style])
    both = magenta.fast(contents, styles)
    np.testing.assert_array_equal(both[1:], magenta.fast(contents[1:], -style))
    assert differences(both[0], both[1])[0] > 0.01
