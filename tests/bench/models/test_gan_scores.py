import numpy as np
import pytest

from bench.models.gan_scores import Labelled, entropy, flatten, inception_score, nearest, without_a_class


def test_sure_and_equal_classes_score_their_number() -> None:
    assert inception_score(np.eye(10, dtype=np.float32)) == pytest.approx(10, rel=1e-6)


def test_pictures_that_all_look_alike_score_one() -> None:
    assert inception_score(np.full((5, 10), 0.1, np.float32)) == pytest.approx(1)


def test_ten_equal_classes_hold_the_most_bits() -> None:
    assert entropy(np.full(10, 0.1)) == pytest.approx(np.log2(10))
    assert entropy(np.array([0.0, 1.0])) == 0


def test_the_nearest_other_picture_is_found_and_oneself_left_out() -> None:
    images = np.zeros((3, 4, 4), np.uint8)
    images[1], images[2, 0, 0] = 255, 255
    rows = flatten(images)
    assert nearest(rows, rows).tolist() == pytest.approx([1, np.sqrt(15), 1])


def test_the_scale_rests_on_pictures_without_one_class() -> None:
    labels = np.arange(20) % 10
    pictures = Labelled(np.arange(20, dtype=np.uint8)[:, None, None], labels)
    kept = without_a_class(pictures)[:, 0, 0]
    assert 7 not in kept % 10
    assert len(kept) == 18
