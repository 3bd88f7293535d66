from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.errors import InvalidRequest
from worker.training.data import Pictures, PictureShape, batches, load_pictures, to_levels, to_signed


def test_the_training_split_of_a_file_is_read(mnist_file: Path) -> None:
    pictures = load_pictures(str(mnist_file))
    assert pictures.images.shape == (40, 28, 28, 1)
    assert pictures.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert pictures.classes == tuple("0123456789")
    assert pictures.digest == load_pictures(str(mnist_file)).digest


@pytest.mark.parametrize("names", [("x", "y"), ("images", "labels")])
def test_other_names_of_arrays_are_known(tmp_path: Path, names: tuple[str, str]) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, **{names[0]: np.zeros((4, 16, 16, 3), np.uint8), names[1]: np.array([0, 2, 1, 0])})
    pictures = load_pictures(str(path))
    assert pictures.images.shape == (4, 16, 16, 3)
    assert pictures.classes == ("0", "1", "2")


def test_a_file_without_labels_has_no_classes(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x=np.zeros((4, 16, 16), np.uint8))
    pictures = load_pictures(str(path))
    assert (pictures.classes, pictures.labels.tolist()) == ((), [0] * 4)


def test_arrays_are_made_into_the_form_that_is_asked_for(mnist_file: Path) -> None:
    pictures = load_pictures(str(mnist_file), PictureShape(side=16, channels=3))
    assert pictures.images.shape == (40, 16, 16, 3)
    assert (pictures.images[..., 0] == pictures.images[..., 2]).all()


def test_pictures_that_are_not_square_are_cut_to_their_shorter_side(tmp_path: Path) -> None:
    path = tmp_path / "wide.npz"
    np.savez(path, x=np.zeros((4, 20, 32), np.uint8))
    assert load_pictures(str(path)).images.shape == (4, 20, 20, 1)


@pytest.mark.parametrize("content", [None, b"", b"hello", b"PK\x03\x04broken"])
def test_a_file_that_is_no_npz_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"other\.npz"):
        load_pictures(str(path))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((3, 28, 28), np.float32), [0, 1, 2]),
        (np.zeros((3, 28, 28, 2), np.uint8), [0, 1, 2]),
        (np.zeros((3, 28, 28), np.uint8), [0, 1]),
        (np.zeros((3, 28, 28), np.uint8), [0, 1, 256]),
        (np.zeros((3, 28, 28), np.uint8), [0, 1, -1]),
        (np.zeros((3, 28, 28), np.uint8), [0.0, 1.0, 2.0]),
        (np.zeros((0, 28, 28), np.uint8), []),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, images: np.ndarray, labels: list[float]) -> None:
    path = tmp_path / "odd.npz"
    np.savez(path, x_train=images, y_train=np.array(labels))
    with pytest.raises(InvalidRequest, match=r"odd\.npz"):
        load_pictures(str(path))


def test_each_subfolder_is_a_class(image_folder: Path) -> None:
    pictures = load_pictures(str(image_folder), PictureShape(side=16))
    assert pictures.classes == ("cat", "dog")
    assert pictures.labels.tolist() == [0, 0, 0, 1, 1]
    assert pictures.images.shape == (5, 16, 16, 3)
    assert pictures.images[0, 8, 8].tolist() == [200, 0, 0]
    assert pictures.images[4, 8, 8].tolist() == [0, 0, 200]


def test_a_folder_without_subfolders_has_no_classes(image_folder: Path) -> None:
    pictures = load_pictures(str(image_folder / "cat"), PictureShape(channels=1))
    assert pictures.images.shape == (3, 64, 64, 1)
    assert pictures.classes == ()


def test_a_picture_is_cut_about_its_middle(tmp_path: Path) -> None:
    wide = np.zeros((16, 48), np.uint8)
    wide[:, 16:32] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    pictures = load_pictures(str(tmp_path), PictureShape(side=16, channels=1))
    assert (pictures.images > 250).all()


def test_a_folder_without_pictures_is_refused(image_folder: Path) -> None:
    (image_folder / "horse").mkdir()
    with pytest.raises(InvalidRequest, match="horse holds no image files"):
        load_pictures(str(image_folder))


def test_a_file_that_is_no_picture_is_refused_by_name(image_folder: Path) -> None:
    (image_folder / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(InvalidRequest, match=r"broken\.png"):
        load_pictures(str(image_folder))


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
