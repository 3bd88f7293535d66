"""The export, called as code that knows TensorFlow Hub calls it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.images.float_pictures import noise, photo

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def module(magenta_folder: Path) -> Any:
    from worker.models.files.hub import load_module

    return load_module(magenta_folder)


def test_the_hubs_own_call_stylizes(module: Any) -> None:
    import tensorflow as tf

    content, style = photo("coffee", 120, 160)[None], photo("rocket", 256, 256)[None]
    stylized = module(tf.constant(content), tf.constant(style))[0]
    assert stylized.shape == (1, 120, 160, 3)
    assert stylized.dtype == tf.float32
    assert 0 <= np.min(stylized) < np.max(stylized) <= 1
    assert np.abs(stylized - content).mean() > 0.05


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 16), (203, 301), (64, 18)])
def test_the_output_has_the_contents_size(module: Any, height: int, width: int) -> None:
    assert module(noise(height, width)[None], noise(256, 256)[None])[0].shape == (1, height, width, 3)


@pytest.fixture(scope="module")
def plain() -> Any:
    from tests.support.models.reference_network import build_style_transformer
    from worker.models.stylization.magenta_mobile import magenta_transformer

    return build_style_transformer(magenta_transformer())


@settings(max_examples=30, deadline=None)
@given(height=st.integers(16, 97), width=st.integers(16, 97), seed=st.integers(0, 2**32 - 1))
def test_any_size_agrees_with_the_plain_network(
    module: Any, plain: Any, height: int, width: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    content = random.random((1, height, width, 3), np.float32)
    vector = 0.7 * random.standard_normal((1, 100), np.float32)  # as those of photos
    padded = np.pad(content, [(0, 0), (0, -height % 4), (0, -width % 4), (0, 0)], mode="reflect")
    expected = plain([padded, vector])[:, :height, :width]
    apart = np.abs(module.transform(content, vector) - expected)
    assert apart.mean() <= 1e-5
    assert apart.max() <= 1e-4


def test_predict_style_and_transform_make_the_same_picture_as_the_call(module: Any) -> None:
    content, style = noise(40, 48)[None], photo("rocket", 256, 256)[None]
    vector = module.predict_style(style)
    assert vector.shape == (1, 100)
    np.testing.assert_array_equal(module.transform(content, vector), module(content, style)[0])


def test_a_batch_of_contents_takes_one_style_or_one_each(module: Any) -> None:
    contents = np.stack([noise(32, 32, seed) for seed in range(3)])
    styles = np.stack([photo(name, 256, 256) for name in ("coffee", "rocket", "chelsea")])
    shared_style, own_styles = module(contents, styles[:1])[0], module(contents, styles)[0]
    for index in range(3):
        one = module(contents[index : index + 1], styles[index : index + 1])[0][0]
        np.testing.assert_allclose(own_styles[index], one, atol=1e-4)
    np.testing.assert_allclose(shared_style[0], own_styles[0], atol=1e-4)
    assert np.abs(shared_style[1] - own_styles[1]).mean() > 0.01


def test_styles_that_fit_no_batch_are_refused(module: Any) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError):
        module(np.stack([noise(32, 32)] * 3), np.stack([noise(256, 256)] * 2))


def test_the_signatures_are_those_of_the_call_and_its_halves(module: Any) -> None:
    import tensorflow as tf

    assert set(module.signatures) == {"serving_default", "predict_style", "transform"}
    content, style = tf.constant(noise(24, 24)[None]), tf.constant(noise(256, 256)[None])
    served = module.signatures["serving_default"](content_image=content, style_image=style)["output_0"]
    np.testing.assert_array_equal(served, module(content, style)[0])


def test_styles_of_any_size_are_brought_to_the_networks_square(module: Any) -> None:
    large = module.predict_style(photo("rocket", 512, 400)[None])[0].numpy()
    square = module.predict_style(photo("rocket", 256, 256)[None])[0].numpy()
    assert large @ square / np.linalg.norm(large) / np.linalg.norm(square) > 0.98


def test_every_size_goes_through_one_trace(module: Any) -> None:
    for side in (16, 20, 36):
        module(noise(side, side)[None], noise(64, 64)[None])
    assert len(module.__call__.concrete_functions) == 1


def test_no_random_id_is_left_in_the_folder(magenta_folder: Path) -> None:
    names = {path.name for path in magenta_folder.rglob("*") if path.is_file()}
    assert names == {"saved_model.pb", "variables.index", "variables.data-00000-of-00001", "transformer.npz"}
