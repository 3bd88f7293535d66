from pathlib import Path

from PIL import Image

from bench.photos import SIDES, write_photos, write_styles


def test_photos_are_of_all_sizes_and_each_another(tmp_path: Path) -> None:
    paths = write_photos(tmp_path / "photos", range(2 * len(SIDES)))
    sizes = []
    for path in paths:
        with Image.open(path) as photo:
            sizes.append(max(photo.size))
    assert sorted(set(sizes)) == sorted(SIDES)
    assert len({path.read_bytes() for path in paths}) == len(paths)


def test_a_number_gives_the_same_photo_in_every_run(tmp_path: Path) -> None:
    (first,) = write_photos(tmp_path / "one", range(7, 8))
    *_, again = write_photos(tmp_path / "two", range(5, 8))
    assert (first.name, first.read_bytes()) == (again.name, again.read_bytes())


def test_styles_are_squares_and_each_another(tmp_path: Path) -> None:
    paths = write_styles(tmp_path / "styles", range(6))
    assert len({path.read_bytes() for path in paths}) == 6
