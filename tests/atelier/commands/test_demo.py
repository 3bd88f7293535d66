"""The demo, as `make demo` runs it, and the project's own pictures."""

from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from atelier.commands.demo import DIGITS, OWN_STYLE, SCALE, SEEDS, Demo, find_photo, photo_file


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_demo_leaves_digits_and_a_stylized_photo(tmp_path: Path) -> None:
    titles: list[str] = []

    def step(title: str) -> nullcontext[None]:
        titles.append(title)
        return nullcontext()

    Demo(tmp_path / "out", tmp_path / "state", models=tmp_path / "models", step=step).run()
    width, height = size_of(tmp_path / "out" / "digits.png")
    assert width >= SCALE * 28 * len(SEEDS)
    assert height >= SCALE * 28 * len(DIGITS)
    assert size_of(tmp_path / "out" / "stylized.png") == size_of(tmp_path / "out" / "content.jpg")
    assert titles[-1] == "stop everything"
    assert not (tmp_path / "state" / "up.json").exists()


def test_the_photo_of_scikit_image_is_found_where_it_is_installed() -> None:
    photo = find_photo()
    assert photo is not None
    assert photo.mode == "RGB"


def test_without_scikit_image_the_photo_is_the_own_landscape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("atelier.commands.demo.find_photo", lambda: None)
    with Image.open(BytesIO(photo_file())) as photo:
        assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (768, 512))
        assert all(high - low > 150 for low, high in photo.getextrema())


def test_the_painting_is_square_and_bold() -> None:
    with Image.open(OWN_STYLE) as style:
        assert (style.format, style.mode, style.size) == ("PNG", "RGB", (512, 512))
        assert all(high - low > 150 for low, high in style.getextrema())
