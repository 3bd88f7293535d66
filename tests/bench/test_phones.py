"""The sample pictures of phones and cameras come out upright, and right in color and size."""

import pytest

from bench.gallery.phones.__main__ import distance, read
from bench.gallery.phones.samples import NAMES, sample


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_looks_as_the_photo_itself(name: str) -> None:
    made = sample(name)
    if made.missing:
        pytest.skip(made.missing)
    assert distance(read(made)) <= made.tolerance


def test_there_are_at_least_sixty_of_all_kinds() -> None:
    assert len(NAMES) == len(set(NAMES)) >= 60
    assert {name.split(",")[0] for name in NAMES} == {"JPEG", "HEIC", "AVIF", "PNG", "TIFF", "WebP"}
