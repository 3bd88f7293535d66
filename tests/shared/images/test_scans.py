"""Each scan of a JPEG costs a pass over the picture, however small it is: a large picture may have few."""

from functools import cache

import pytest

from shared.errors import CorruptImage
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from tests.support.images.pictures import photo

SCAN = b"\xff\xda"


@cache
def with_scans(count: int, width: int = 160, height: int = 120) -> bytes:
    """Return a progressive JPEG whose last scan comes so often, with a size in its header that it has not."""
    data = photo(160, 120, progressive=True)
    frame = data.index(b"\xff\xc2") + 5
    data = data[:frame] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[frame + 4 :]
    last = data[data.rindex(SCAN) : -2]
    return data[:-2] + last * (count - data.count(SCAN)) + data[-2:]


@pytest.mark.parametrize(
    ("width", "height", "most"), [(160, 120, 500), (2000, 2000, 500), (4000, 4000, 134), (8000, 8000, 33)]
)
def test_a_large_picture_may_have_fewer_scans(width: int, height: int, most: int) -> None:
    assert probe(with_scans(most, width, height), ImageLimits()).width == width
    with pytest.raises(CorruptImage, match=f"more than {most} scans, too many for a picture of its size"):
        probe(with_scans(most + 1, width, height), ImageLimits())


def test_what_programs_write_is_read_at_any_size() -> None:
    limits = ImageLimits(max_side=65_535, max_pixels=2**32)
    assert probe(with_scans(30, 65_535, 65_535), limits).height == 65_535


def test_a_second_header_with_a_smaller_size_allows_no_more() -> None:
    data = with_scans(40, 8000, 8000)
    frame = data.index(b"\xff\xc2")
    header = with_scans(40)[frame : frame + 19]
    for spoiled in (data[:frame] + header + data[frame:], data[: frame + 19] + header + data[frame + 19 :]):
        with pytest.raises(CorruptImage, match="more than 33 scans"):
            probe(spoiled, ImageLimits())
