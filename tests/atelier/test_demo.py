"""The demo, as `make demo` runs it."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from PIL import Image

from atelier.demo import DIGITS, SCALE, SEEDS, Demo, find_photo


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_demo_leaves_digits_and_a_stylized_photo(tmp_path: Path) -> None:
    said: list[str] = []

    def step(title: str) -> nullcontext[None]:
        said.append(title)
        return nullcontext()

    Demo(tmp_path / "out", tmp_path / "state", models=tmp_path / "models", step=step).run()
    width, height = size_of(tmp_path / "out" / "digits.png")
    assert width >= SCALE * 28 * len(SEEDS)
    assert height >= SCALE * 28 * len(DIGITS)
    assert size_of(tmp_path / "out" / "stylized.png") == size_of(tmp_path / "out" / "content.jpg")
    assert said[-1] == "stop everything"
    assert not (tmp_path / "state" / "up.json").exists()


def test_the_photo_of_scikit_image_is_found_where_it_is_installed() -> None:
    photo = find_photo()
    assert photo is not None
    assert photo.mode == "RGB"
