"""The project's own pictures."""

from io import BytesIO

import pytest
from PIL import Image

from atelier import demo


def test_without_scikit_image_the_photo_is_the_own_landscape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo, "find_photo", lambda: None)
    with Image.open(BytesIO(demo.photo_file())) as photo:
        assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (768, 512))
        assert all(high - low > 150 for low, high in photo.getextrema())


def test_the_painting_is_square_and_bold() -> None:
    with Image.open(demo.OWN_STYLE) as style:
        assert (style.format, style.mode, style.size) == ("PNG", "RGB", (512, 512))
        assert all(high - low > 150 for low, high in style.getextrema())
