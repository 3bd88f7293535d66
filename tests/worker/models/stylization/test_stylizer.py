from pathlib import Path

import numpy as np
import pytest

from shared.cards.card import ModelCard
from shared.errors import ImageTooSmall, InvalidRequest, ModelCorrupt
from tests.support.images.float_pictures import noise, photo
from tests.support.models.model_cards import stylize_card
from worker.models.loading import load_model
from worker.models.processor import this_processor
from worker.models.store import ModelStore
from worker.models.stylization.stylizer import Stylizer

pytestmark = [pytest.mark.tensorflow]
NEEDS_BFLOAT16 = pytest.mark.skipif(
    not this_processor().has_bfloat16, reason="needs a processor with avx512_bf16 or amx_bf16"
)


def pull_and_load(folder: Path, root: Path, **changes: object) -> Stylizer:
    card = stylize_card({"type": "saved_model", "path": str(folder)}, **changes)
    store = ModelStore(root)
    store.pull(card)
    loaded = load_model(card, store)
    assert isinstance(loaded, Stylizer)
    return loaded


@pytest.fixture(scope="module")
def magenta(magenta_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Stylizer:
    return pull_and_load(magenta_folder, tmp_path_factory.mktemp("store"), min_side=16, style_side=256)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Stylizer:
    """A module of the hub's bare convention: no style vectors, sides rounded down to a multiple of 4."""
    from tests.support.models.hub_modules import AverageColor, save_module

    folder = save_module(AverageColor(), tmp_path_factory.mktemp("average-color"))
    return pull_and_load(folder, tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 23), (99, 64)])
def test_a_picture_keeps_its_size(magenta: Stylizer, height: int, width: int) -> None:
    picture = magenta.stylize(noise(height, width), magenta.prepare_style(noise(50, 80)))
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.float32
    assert 0 <= picture.min() < picture.max() <= 1


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 11), (30, 33)])
def test_a_module_that_rounds_sizes_still_gives_the_contents(
    plain: Stylizer, height: int, width: int
) -> None:
    content = noise(height, width)
    picture = plain.stylize(content, plain.prepare_style(np.zeros((5, 7, 3), np.float32)))
    np.testing.assert_allclose(picture, 0.5 * content, atol=1e-6)


def test_a_module_that_keeps_no_size_is_brought_back_to_the_contents(tmp_path: Path) -> None:
    from tests.support.models.hub_modules import Halved, save_module

    stylizer = pull_and_load(save_module(Halved(), tmp_path / "halved"), tmp_path / "store")
    flat = np.full((21, 30, 3), 0.25, np.float32)
    np.testing.assert_allclose(stylizer.stylize(flat, stylizer.prepare_style(flat)), flat, atol=1e-6)


def test_a_picture_below_the_cards_least_side_is_refused(magenta: Stylizer) -> None:
    with pytest.raises(ImageTooSmall, match="15 x 40 pixels"):
        magenta.stylize(noise(40, 15), magenta.prepare_style(noise(16, 16)))


def test_a_style_is_a_vector_where_the_network_has_them(magenta: Stylizer, plain: Stylizer) -> None:
    style = noise(40, 40)
    assert magenta.has_vectors
    assert magenta.prepare_style(style).vector.shape == (100,)
    assert not plain.has_vectors
    assert plain.prepare_style(style).vector is None
    assert plain.prepare_style(style).image.shape == (32, 32, 3)


def test_the_style_changes_the_picture(magenta: Stylizer) -> None:
    content = photo("chelsea", 64, 96)
    one, two = (
        magenta.stylize(content, magenta.prepare_style(photo(n, 256, 256))) for n in ("rocket", "coffee")
    )
    assert np.abs(one - two).mean() > 0.02


def test_blends_weigh_the_vectors(magenta: Stylizer) -> None:
    one, two = magenta.prepare_style(noise(32, 32, 1)), magenta.prepare_style(photo("rocket", 64, 64))
    blended = magenta.blend([(one, 3.0), (two, 1.0)]).vector
    np.testing.assert_allclose(blended, 0.75 * one.vector + 0.25 * two.vector, atol=1e-6)
    assert blended.dtype == np.float32


def test_one_style_blends_to_itself_even_without_vectors(plain: Stylizer) -> None:
    style = plain.prepare_style(noise(8, 8))
    assert plain.blend([(style, 0.3)]) is style


def test_a_network_without_vectors_cannot_blend(plain: Stylizer) -> None:
    style = plain.prepare_style(noise(8, 8))
    with pytest.raises(InvalidRequest, match="painter cannot mix styles") as caught:
        plain.blend([(style, 1.0), (style, 1.0)])
    assert caught.value.errors[0].pointer == "/styles"


@pytest.mark.parametrize("weights", [(0.0, 0.0), (1.0, -0.5), (1.0, float("nan")), (1.0, float("inf"))])
def test_weights_that_mean_nothing_are_refused(magenta: Stylizer, weights: tuple[float, ...]) -> None:
    style = magenta.prepare_style(noise(16, 16))
    with pytest.raises(InvalidRequest, match="weights"):
        magenta.blend([(style, weight) for weight in weights])


@pytest.mark.parametrize("precision", ["exact", pytest.param("fast", marks=NEEDS_BFLOAT16)])
def test_several_pictures_in_one_call_have_the_bytes_of_each_alone(magenta: Stylizer, precision: str) -> None:
    painter = magenta.fast if precision == "fast" else magenta
    contents = [photo(name, 50, 67) for name in ("chelsea", "coffee", "astronaut")]
    styles = [magenta.prepare_style(photo(name, 64, 64)) for name in ("rocket", "coffee", "chelsea")]
    alone = [painter.stylize(*each) for each in zip(contents, styles, strict=True)]
    together = painter.stylize_together(contents, styles)
    assert [each.tobytes() for each in together] == [each.tobytes() for each in alone]
    assert len({each.tobytes() for each in alone}) == 3


def test_only_a_network_whose_layers_are_known_takes_several(magenta: Stylizer, plain: Stylizer) -> None:
    assert magenta.takes_several
    assert not plain.takes_several


def test_no_styles_are_refused(magenta: Stylizer) -> None:
    with pytest.raises(InvalidRequest, match="weights"):
        magenta.blend([])


def test_warming_up_works_with_and_without_vectors(magenta: Stylizer, plain: Stylizer) -> None:
    magenta.warm_up()
    plain.warm_up()


def test_the_digest_is_that_of_the_stored_files(
    magenta_folder: Path, magenta_card: ModelCard, tmp_path: Path
) -> None:
    card = magenta_card.model_copy(
        update={"source": stylize_card({"type": "saved_model", "path": str(magenta_folder)}).source}
    )
    store = ModelStore(tmp_path)
    assert load_model(card, store.pull(card) and store).digest == store.find(card).manifest.digest


def test_a_saved_model_that_cannot_be_called_is_corrupt(tmp_path: Path) -> None:
    import tensorflow as tf

    from tests.support.models.hub_modules import save_module

    folder = save_module(tf.Module(), tmp_path / "module")
    with pytest.raises(ModelCorrupt, match=r"cannot be called as module\(content, style\)"):
        pull_and_load(folder, tmp_path / "store")
