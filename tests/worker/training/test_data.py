from itertools import islice

import numpy as np
import pytest

from shared.errors import InvalidRequest
from worker.training.data import Pictures, batches, to_levels, to_signed


@pytest.fixture
def pictures() -> Pictures:
    images = np.random.default_rng(2).integers(0, 256, (40, 8, 8, 1), np.uint8)
    return Pictures(images, np.arange(40, dtype=np.uint8) % 10, tuple("0123456789"))


def test_an_epoch_shows_every_picture_once(pictures: Pictures) -> None:
    epoch = list(islice(batches(pictures, size=8, seed=1, start=0), 5))
    seen = np.concatenate([batch.images for batch in epoch])
    expected = to_signed(pictures.images)
    assert sorted(picture.tobytes() for picture in seen) == sorted(picture.tobytes() for picture in expected)
    assert seen.min() == -1
    assert seen.max() == 1


def test_a_step_s_batch_does_not_depend_on_the_start(pictures: Pictures) -> None:
    whole = list(islice(batches(pictures, size=16, seed=1, start=0), 9))
    late = list(islice(batches(pictures, size=16, seed=1, start=5), 4))
    assert [b.images.tobytes() for b in whole[5:]] == [b.images.tobytes() for b in late]


def test_a_batch_larger_than_the_data_is_refused(pictures: Pictures) -> None:
    with pytest.raises(InvalidRequest, match="40 training pictures"):
        next(batches(pictures, size=41, seed=1, start=0))


def test_levels_survive_the_way_to_the_network_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert to_levels(to_signed(levels)).tolist() == levels.tolist()


def test_the_digest_tells_labels_apart(pictures: Pictures) -> None:
    other = Pictures(pictures.images, pictures.labels[::-1], pictures.classes)
    assert other.digest != pictures.digest
