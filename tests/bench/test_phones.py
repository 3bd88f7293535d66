"""The sample pictures of phones and cameras come out upright, and right in color and size."""

import pytest

from bench.gallery.phones.__main__ import distance, read
from bench.gallery.phones.samples import Sample, samples


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_a_sample_looks_as_the_photo_itself(sample: Sample) -> None:
    if sample.missing:
        pytest.skip(sample.missing)
    assert distance(read(sample)) <= sample.tolerance


def test_there_are_at_least_sixty_of_all_kinds() -> None:
    names = [sample.name for sample in samples()]
    assert len(names) == len(set(names)) >= 60
    assert {name.split(",")[0] for name in names} == {"JPEG", "HEIC", "AVIF", "PNG", "TIFF", "WebP"}
