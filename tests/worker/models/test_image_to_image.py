from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import ModelCorrupt
from tests.support.images.float_pictures import noise
from tests.support.models.model_cards import transform_card
from worker.models.image_to_image import ImageToImage
from worker.models.loading import load_model
from worker.models.store import ModelStore

pytestmark = [pytest.mark.tensorflow]


def load(folder: Path, root: Path, **changes: object) -> ImageToImage:
    card, store = transform_card(folder, **changes), ModelStore(root / "store")
    store.pull(card)
    loaded = load_model(card, store)
    assert isinstance(loaded, ImageToImage)
    return loaded


def exported(name: str, root: Path, *arguments: Any, **changes: object) -> ImageToImage:
    from tests.support.models import small_networks

    network = getattr(small_networks, name)(*arguments)
    return load(small_networks.export(network, root / name), root, **changes)


def saved(function: Any, root: Path, *shapes: Any, **changes: object) -> ImageToImage:
    from tests.support.models.small_networks import picture_spec, save_signature

    specs = [picture_spec(shape) for shape in shapes or [(None, None, None, 3)]]
    return load(save_signature(function, root / "saved", *specs), root, **changes)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (31, 50)])
def test_a_keras_model_runs_at_any_size(tmp_path: Path, height: int, width: int) -> None:
    picture = noise(height, width)
    made = exported("negative", tmp_path).transform(picture)
    np.testing.assert_allclose(made, 1 - picture, atol=1e-6)


def test_grey_goes_in_and_color_comes_out_in_the_cards_range(tmp_path: Path) -> None:
    made = exported("sepia", tmp_path, value_range=(-1, 1)).transform(np.ones((9, 12, 3), np.float32) * 0.6)
    np.testing.assert_allclose(made[4, 4], (0.6, 0.3, 0.0), atol=1e-6)


def test_grey_is_how_bright_a_color_looks(tmp_path: Path) -> None:
    green = np.zeros((9, 9, 3), np.float32)
    green[..., 1] = 1
    made = exported("sepia", tmp_path, value_range=(-1, 1)).transform(green)
    np.testing.assert_allclose(made[0, 0, 0], 0.587, atol=1e-6)


def test_color_goes_in_and_grey_comes_out(tmp_path: Path) -> None:
    made = exported("edges", tmp_path).transform(noise(10, 14))
    assert made.shape == (10, 14, 1)


def test_an_enlarging_network_gives_its_scale(tmp_path: Path) -> None:
    picture = noise(11, 17)
    made = exported("doubler", tmp_path, scale=2).transform(picture)
    np.testing.assert_array_equal(made, picture.repeat(2, axis=0).repeat(2, axis=1))


def test_sides_are_padded_to_the_cards_multiple_and_cut_again(tmp_path: Path) -> None:
    made = exported("bottleneck", tmp_path, multiple=4).transform(noise(13, 18))
    assert made.shape == (13, 18, 3)


def test_a_network_of_one_size_gets_its_size(tmp_path: Path) -> None:
    network = exported("negative", tmp_path, (32, 48))
    flat = np.full((20, 70, 3), 0.25, np.float32)
    np.testing.assert_allclose(network.transform(flat), 1 - flat, atol=1e-5)


def test_values_outside_the_range_are_clipped(tmp_path: Path) -> None:
    made = saved(lambda picture: picture * 4 - 1, tmp_path).transform(noise(9, 9))
    assert (made.min(), made.max()) == (0, 1)


def test_the_older_hub_signature_is_known(tmp_path: Path) -> None:
    from tests.support.models.small_networks import picture_spec, save_signature

    folder = save_signature(lambda picture: 1 - picture, tmp_path / "hub", picture_spec(), name="default")
    assert load(folder, tmp_path).transform(noise(9, 9)).shape == (9, 9, 3)


@pytest.mark.parametrize(
    ("shapes", "function", "why"),
    [
        ([(None, 3, 224, 224)], lambda x: x, "channels last"),
        ([(None, None, None, 4)], lambda x: x, "channels last"),
        ([(8, None, None, 3)], lambda x: x, "channels last"),
        ([(None, 10)], lambda x: x, "channels last"),
        ([(None, 32, None, 3)], lambda x: x, "fixes one side"),
        ([(None, None, None, 3)] * 1, lambda x: x[..., :2], "the output of changer"),
        ([(None, None, None, 3)] * 1, lambda x: (x, x), "one picture each"),
        ([(None, None, None, 3)] * 1, lambda x: x[:, 0], "the output of changer"),
    ],
)
def test_another_signature_is_refused_when_it_is_loaded(
    tmp_path: Path, shapes: list[Any], function: Any, why: str
) -> None:
    with pytest.raises(ModelCorrupt, match=why):
        saved(function, tmp_path, *shapes)


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    from tests.support.models.small_networks import save_signature

    specs = [tf.TensorSpec((None, None, None, 3), tf.float32, name) for name in ("one", "two")]
    folder = save_signature(lambda one, two: one + two, tmp_path / "two", *specs)
    with pytest.raises(ModelCorrupt, match="one picture each"):
        load(folder, tmp_path)


def test_whole_numbers_are_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    from tests.support.models.small_networks import picture_spec, save_signature

    folder = save_signature(lambda picture: picture, tmp_path / "bytes", picture_spec(dtype=tf.uint8))
    with pytest.raises(ModelCorrupt, match="uint8"):
        load(folder, tmp_path)


def test_a_saved_model_without_signatures_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    from tests.support.models.hub_modules import save_module

    with pytest.raises(ModelCorrupt, match="none of"):
        load(save_module(tf.Module(), tmp_path / "empty"), tmp_path)


def test_a_card_with_the_wrong_scale_shows_at_warm_up(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="scale of 1"):
        exported("doubler", tmp_path).warm_up()


def test_a_card_that_lacks_its_multiple_shows_at_warm_up(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="changer"):
        exported("bottleneck", tmp_path).warm_up()


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="not numbers"):
        saved(lambda picture: picture / 0.0, tmp_path).transform(np.zeros((9, 9, 3), np.float32))


def test_the_digest_is_that_of_the_stored_files(tmp_path: Path) -> None:
    network = exported("negative", tmp_path)
    stored = ModelStore(tmp_path / "store").find(network.card)
    assert stored is not None
    assert network.digest == stored.manifest.digest
