"""The network of 26 styles against onnxruntime on the wheel's own graph."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.cards.card import load_catalog
from shared.errors import InvalidRequest, ModelCorrupt
from tests.support.images.float_pictures import noise, photo
from tests.support.models.float64_transformer import paint
from tests.support.models.model_cards import stylize_card
from tests.support.models.onnx_float import quantized_session
from worker.models.loading import load_model
from worker.models.store import ModelStore
from worker.models.stylization.multistyle import GRAPH, STYLES, multistyle_transformer
from worker.models.stylization.onnx_weights import wheel_graph_path
from worker.models.stylization.stylizer import Stylizer

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def stylizer(tmp_path_factory: pytest.TempPathFactory) -> Stylizer:
    card, store = load_catalog().get("multistyle-26"), ModelStore(tmp_path_factory.mktemp("store"))
    store.pull(card)
    loaded = load_model(card, store)
    assert isinstance(loaded, Stylizer)
    return loaded


@pytest.fixture(scope="module")
def session() -> Any:
    return quantized_session(wheel_graph_path(GRAPH))  # which is a float graph, and runs as shipped


def reference(session: Any, content: np.ndarray, weights: np.ndarray) -> np.ndarray:
    feed = {"image": content.transpose(2, 0, 1)[None], "style_weights": weights}
    return session.run(None, feed)[0][0].transpose(1, 2, 0)


@pytest.mark.parametrize("number", [0, 7, 19])
@pytest.mark.parametrize(("height", "width"), [(384, 384), (64, 100)])
def test_pictures_equal_those_of_onnxruntime(
    stylizer: Stylizer, session: Any, number: int, height: int, width: int
) -> None:
    content, style = photo("chelsea", height, width), stylizer.prepare_builtin(number)
    apart = np.abs(stylizer.stylize(content, style) - reference(session, content, style.vector))
    assert apart.mean() <= 1e-5  # seen: 1e-7 to 9e-7
    assert apart.max() <= 2e-4


@pytest.mark.parametrize("number", [3, 25])
def test_the_plain_network_is_that_of_the_graph(session: Any, number: int) -> None:
    from tests.support.models.reference_network import build_style_transformer

    content, weights = photo("coffee", 128, 96), np.eye(STYLES, dtype=np.float32)[number]
    plain = build_style_transformer(multistyle_transformer())([content[None], weights[None]])[0].numpy()
    assert np.abs(plain - reference(session, content, weights)).mean() <= 1e-5
    assert np.abs(plain - paint(multistyle_transformer(), content, weights)).mean() <= 1e-5


def test_a_blend_weighs_the_styles_as_the_graph_does(stylizer: Stylizer, session: Any) -> None:
    content = photo("rocket", 64, 64)
    blend = stylizer.blend([(stylizer.prepare_builtin(3), 1.0), (stylizer.prepare_builtin(12), 3.0)])
    weights = np.zeros(STYLES, np.float32)
    weights[[3, 12]] = 0.25, 0.75
    np.testing.assert_array_equal(blend.vector, weights)
    assert np.abs(stylizer.stylize(content, blend) - reference(session, content, weights)).mean() <= 1e-5


def test_all_styles_differ(stylizer: Stylizer) -> None:
    content = photo("astronaut", 48, 48)
    pictures = [stylizer.stylize(content, stylizer.prepare_builtin(n)) for n in range(STYLES)]
    for index, picture in enumerate(pictures):
        assert all(np.abs(picture - other).mean() > 0.01 for other in pictures[:index])


def test_every_style_has_a_name_on_the_card(stylizer: Stylizer) -> None:
    assert len(set(stylizer.card.builtin_styles)) == STYLES


@pytest.mark.parametrize("number", [-1, 26])
def test_a_number_beyond_the_styles_is_refused(stylizer: Stylizer, number: int) -> None:
    with pytest.raises(InvalidRequest, match="26 built-in styles"):
        stylizer.prepare_builtin(number)


def test_a_picture_as_style_is_refused(stylizer: Stylizer) -> None:
    with pytest.raises(InvalidRequest, match="styles of its own"):
        stylizer.prepare_style(noise(16, 16))


def test_it_warms_up(stylizer: Stylizer) -> None:
    stylizer.warm_up()


def test_the_modules_call_is_its_transform(tmp_path: Path) -> None:
    from worker.models.files.hub import load_module
    from worker.models.stylization.multistyle import build_multistyle

    build_multistyle(tmp_path)
    module = load_module(tmp_path)
    content, weights = noise(20, 24)[None], np.eye(STYLES, dtype=np.float32)[:1]
    np.testing.assert_array_equal(module(content, weights)[0], module.transform(content, weights))
    assert set(module.signatures) == {"serving_default", "transform"}


def test_a_module_without_style_weights_is_no_network_of_built_in_styles(tmp_path: Path) -> None:
    from tests.support.models.hub_modules import AverageColor, save_module

    folder = save_module(AverageColor(), tmp_path / "module")
    source = {"type": "saved_model", "path": str(folder)}
    card, store = stylize_card(source, builtin_styles=["one", "two"]), ModelStore(tmp_path / "store")
    store.pull(card)
    with pytest.raises(ModelCorrupt, match=r"has no transform\(content, style_weights\)"):
        load_model(card, store)
