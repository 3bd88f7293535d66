"""The folded norm against the plain one in float64, on random tensors."""

import numpy as np
import pytest

pytestmark = [pytest.mark.tensorflow]

CHANNELS = 6
LAYOUTS = [(1, 1, 0), (2, 4, 0), (2, 2, 1)]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def normal(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


def pixels_of(values: np.ndarray, rows: int, columns: int, ring: int) -> np.ndarray:
    """The picture (h, w, channels) that a stored tensor holds, without its ring."""
    _, down, across, _ = values.shape
    cells = values.reshape(down, across, rows, columns, CHANNELS).transpose(0, 2, 1, 3, 4)
    whole = cells.reshape(down * rows, across * columns, CHANNELS)
    return whole[ring : down * rows - ring, ring : across * columns - ring]


def plain_norm(x: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-5) * scale + shift


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_moments_are_those_of_the_picture_alone(
    random: np.random.Generator, layout: tuple[int, int, int], offset: float
) -> None:
    from worker.models.style_network.folded_norm import moments
    from worker.models.style_network.pixel_layout import PixelLayout

    values = normal(random, 1, 7, 9, CHANNELS * layout[0] * layout[1]) + np.float32(offset)
    pixels = pixels_of(values, *layout).astype(np.float64)
    mean, variance = moments(values, CHANNELS, PixelLayout(*layout))
    np.testing.assert_allclose(mean, pixels.mean((0, 1)), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(variance, pixels.var((0, 1)), rtol=1e-5)


def test_factor_and_relu_make_the_norms_relu(random: np.random.Generator) -> None:
    from worker.models.style_network.folded_norm import FoldedNorm
    from worker.models.style_network.pixel_layout import PLAIN

    x, scale, shift = normal(random, 1, 8, 9, CHANNELS), normal(random, CHANNELS), normal(random, CHANNELS)
    signed = x * np.where(scale < 0, -1, 1).astype(np.float32)
    norm = FoldedNorm.of(signed, scale, shift, PLAIN)
    expected = np.maximum(plain_norm(x[0], scale, shift), 0)
    np.testing.assert_allclose(norm.relu(signed)[0] * norm.factor, expected, atol=2e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_apply_is_the_norm_itself(random: np.random.Generator, layout: tuple[int, int, int]) -> None:
    from worker.models.style_network.folded_norm import FoldedNorm
    from worker.models.style_network.pixel_layout import PixelLayout

    values = normal(random, 1, 5, 6, CHANNELS * layout[0] * layout[1])
    scale, shift = np.abs(normal(random, CHANNELS)), normal(random, CHANNELS)
    applied = FoldedNorm.of(values, scale, shift, PixelLayout(*layout)).apply(values).numpy()
    expected = plain_norm(pixels_of(values, *layout), scale, shift)
    np.testing.assert_allclose(pixels_of(applied, *layout), expected, atol=2e-6)


def test_signs_and_factors_fold_into_kernels_of_cells(random: np.random.Generator) -> None:
    from worker.models.style_network.folded_norm import fold_factor, fold_sign

    kernel, scale = normal(random, 3, 3, 4 * CHANNELS, 2 * CHANNELS), normal(random, CHANNELS)
    signs = np.tile(np.where(scale < 0, -1, 1), 2)
    np.testing.assert_array_equal(fold_sign(kernel, scale), kernel * signs.astype(np.float32))
    np.testing.assert_array_equal(fold_factor(kernel, scale), kernel * np.tile(scale, 4)[:, None])


@pytest.mark.parametrize("shift", [-2.0, 0.0, 2.0])
def test_a_channel_of_scale_zero_stays_finite(random: np.random.Generator, shift: float) -> None:
    from worker.models.style_network.folded_norm import FoldedNorm
    from worker.models.style_network.pixel_layout import PLAIN

    x, zeros = normal(random, 1, 8, 8, CHANNELS), np.zeros(CHANNELS, np.float32)
    norm = FoldedNorm.of(x, zeros, zeros + np.float32(shift), PLAIN)
    assert np.isfinite(norm.relu(x)).all()
    assert not np.any(norm.relu(x) * norm.factor)


def test_a_flat_picture_has_no_variance() -> None:
    from worker.models.style_network.folded_norm import moments
    from worker.models.style_network.pixel_layout import PLAIN

    flat = np.full((1, 16, 16, CHANNELS), 0.3, np.float32)
    assert np.max(moments(flat, CHANNELS, PLAIN)[1]) < 1e-12
