"""Photos of a folder: which are used, and that what is cut out of them is fixed by seed and number."""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.errors import InvalidRequest
from tests.support.images import pictures
from tests.worker.training.stylizer.conftest import save
from worker.training.stylizer.photos import Photos, find_photos, read_style


@pytest.fixture
def skipped() -> list[tuple[str, str]]:
    return []


def look(folder: Path, skipped: list[tuple[str, str]], least: int = 64) -> Photos:
    return find_photos(folder, least=least, on_skip=lambda path, why: skipped.append((path.name, why)))


def test_photos_of_all_folders_are_found_and_other_files_passed_over(
    photos: Path, skipped: list[tuple[str, str]]
) -> None:
    assert (len(look(photos, skipped)), skipped) == (3, [])


def test_squares_do_not_depend_on_where_a_run_began(photos: Path, skipped: list[tuple[str, str]]) -> None:
    found = look(photos, skipped, 32)
    whole = list(islice(found.squares(side=32, seed=3, start=0), 9))
    for start in (1, 3, 7):
        later = list(islice(found.squares(side=32, seed=3, start=start), 9 - start))
        np.testing.assert_array_equal(later, whole[start:])
    assert whole[0].shape == (32, 32, 3)
    assert 0 <= min(map(np.min, whole)) < max(map(np.max, whole)) <= 1
    assert not np.array_equal(whole[0], next(found.squares(side=32, seed=4, start=0)))


def test_an_epoch_has_every_photo_once(tmp_path: Path, skipped: list[tuple[str, str]]) -> None:
    for level in (10, 60, 110, 160, 210):
        Image.new("RGB", (40, 40), (level,) * 3).save(tmp_path / f"{level}.png")
    squares = look(tmp_path, skipped, 32).squares(side=32, seed=1, start=0)
    for _ in range(3):
        levels = sorted(round(float(square.mean()) * 255) for square in islice(squares, 5))
        assert levels == [10, 60, 110, 160, 210]


def test_a_photo_is_turned_as_its_camera_was(tmp_path: Path, skipped: list[tuple[str, str]]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the picture is at its right
    Image.new("RGB", (160, 64)).save(tmp_path / "tall.jpg", exif=exif)
    found = look(tmp_path, skipped)
    assert [(photo.width, photo.height) for photo in found._photos] == [(64, 160)]


def test_what_cannot_be_used_is_told_with_the_reason(photos: Path, skipped: list[tuple[str, str]]) -> None:
    save(photos / "small.png", "coffee", 63, 200)
    (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    assert len(look(photos, skipped)) == 3
    assert [name for name, _ in skipped] == ["small.png", "torn.jpg"]
    assert "200 x 63 pixels, and a side needs 64" in skipped[0][1]


def test_a_photo_damaged_behind_its_header_gives_way_to_the_next_and_is_told_once(
    photos: Path, skipped: list[tuple[str, str]]
) -> None:
    (photos / "chelsea.png").write_bytes(pictures.broken())
    found = look(photos, skipped)
    squares = list(islice(found.squares(side=64, seed=0, start=0), 6))
    assert [name for name, _ in skipped] == ["chelsea.png"]
    later = list(islice(found.squares(side=64, seed=0, start=2), 4))
    np.testing.assert_array_equal(later, squares[2:])
    assert len(skipped) == 1


def test_a_folder_without_usable_photos_is_refused(tmp_path: Path, skipped: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidRequest, match="is not a folder"):
        look(tmp_path / "none", skipped)
    with pytest.raises(InvalidRequest, match="holds no image files"):
        look(tmp_path, skipped)
    save(tmp_path / "a.png", "coffee", 32, 32)
    with pytest.raises(InvalidRequest, match=r"none of the 1 images .* each needs 64 pixels a side"):
        look(tmp_path, skipped)


def test_a_folder_in_which_all_is_damaged_ends_the_run(
    tmp_path: Path, skipped: list[tuple[str, str]]
) -> None:
    found = look(save(tmp_path / "photos" / "a.png", "coffee", 64, 64).parent, skipped)
    (tmp_path / "photos" / "a.png").unlink()
    with pytest.raises(InvalidRequest, match="no photo of the folder can be decoded"):
        next(found.squares(side=64, seed=0, start=0))
    assert skipped == [("a.png", "No such file or directory")]


def test_the_digest_is_of_names_and_contents(photos: Path, skipped: list[tuple[str, str]]) -> None:
    digest = look(photos, skipped).digest
    assert look(photos, skipped).digest == digest
    (photos / "astronaut.png").rename(photos / "b.png")
    assert look(photos, skipped).digest != digest


def test_a_style_is_made_smaller_and_never_larger(tmp_path: Path) -> None:
    path = save(tmp_path / "style.png", "coffee", 90, 120)
    assert [read_style(path, side)[0].shape for side in (60, 500)] == [(45, 60, 3), (90, 120, 3)]
    path.write_bytes(b"no picture")
    with pytest.raises(InvalidRequest, match=r"style\.png cannot be used as a style"):
        read_style(path, 60)


def test_a_photo_may_have_any_name(photos: Path, skipped: list[tuple[str, str]]) -> None:
    before = look(photos, skipped)
    next(photos.rglob("*.png")).rename(photos / os.fsdecode(b"\xff\xfe.png"))
    after = look(photos, skipped)
    assert (len(after), skipped) == (len(before), [])
    assert after.digest != before.digest
