from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from shared.errors import InvalidRequest

pytestmark = pytest.mark.tensorflow


def test_the_training_split_is_read(mnist_file: Path) -> None:
    from worker.training.data import load_digits

    digits = load_digits(str(mnist_file))
    assert digits.images.shape == (40, 28, 28)
    assert digits.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert digits.digest == load_digits(str(mnist_file)).digest


@pytest.mark.parametrize("content", [None, b"", b"hello", b"PK\x03\x04broken"])
def test_a_file_that_is_no_npz_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    from worker.training.data import load_digits

    path = tmp_path / "other.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"other\.npz"):
        load_digits(str(path))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((3, 32, 32), np.uint8), [0, 1, 2]),
        (np.zeros((3, 28, 28), np.float32), [0, 1, 2]),
        (np.zeros((3, 28, 28), np.uint8), [0, 1]),
        (np.zeros((3, 28, 28), np.uint8), [0, 1, 10]),
        (np.zeros((0, 28, 28), np.uint8), []),
    ],
)
def test_arrays_of_another_shape_are_refused(tmp_path: Path, images: np.ndarray, labels: list[int]) -> None:
    from worker.training.data import load_digits

    path = tmp_path / "odd.npz"
    np.savez(path, x_train=images, y_train=np.array(labels, np.int64))
    with pytest.raises(InvalidRequest, match=r"odd\.npz"):
        load_digits(str(path))


def test_an_epoch_shows_every_picture_once(mnist_file: Path) -> None:
    from worker.training.data import batches, load_digits

    digits = load_digits(str(mnist_file))
    epoch = list(islice(batches(digits, size=8, seed=1, start=0), 5))
    seen = np.concatenate([batch.images for batch in epoch])
    expected = digits.images[..., None].astype(np.float32) / np.float32(127.5) - 1
    assert sorted(picture.tobytes() for picture in seen) == sorted(picture.tobytes() for picture in expected)
    assert seen.min() == -1
    assert seen.max() == 1


def test_a_step_s_batch_does_not_depend_on_the_start(mnist_file: Path) -> None:
    from worker.training.data import batches, load_digits

    digits = load_digits(str(mnist_file))
    whole = list(islice(batches(digits, size=16, seed=1, start=0), 9))
    late = list(islice(batches(digits, size=16, seed=1, start=5), 4))
    assert [b.images.tobytes() for b in whole[5:]] == [b.images.tobytes() for b in late]


def test_a_batch_larger_than_the_data_is_refused(mnist_file: Path) -> None:
    from worker.training.data import batches, load_digits

    with pytest.raises(InvalidRequest, match="40 training pictures"):
        next(batches(load_digits(str(mnist_file)), size=41, seed=1, start=0))
