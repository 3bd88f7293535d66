"""A parser takes time in proportion to its text: twice the text, about twice the time."""

import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_etags, parse_options_header

from api.batches.json_array import split_items
from api.batches.sources import LineSource
from api.errors import MalformedJson
from api.requests.body import decoded_pairs
from api.requests.json_text import check_without_pictures, decode_json
from api.requests.multipart import MAX_HEADER_BYTES, count_names
from shared.errors import AtelierError
from shared.images.exif import exif_orientation, orientation_of, raw_profile

MOST_SECONDS = 1.5  # for a size that takes some milliseconds; what is quadratic takes minutes
ITEM = b'{"items":[{"a":"'

PARSERS: dict[str, Callable[[], object]] = {
    "a string without an end": lambda: split_items(ITEM + b"x" * 2_000_000, 500),
    "escapes without an end": lambda: split_items(ITEM + b'\\"' * 1_000_000, 500),
    "an escaped line end": lambda: split_items(ITEM + b'\\"' * 500_000 + b"\\\n", 500),
    "backslashes": lambda: split_items(ITEM + b"\\" * 1_000_001, 500),
    "a name without an end": lambda: split_items(b'{"' + b'\\"' * 1_000_000, 500),
    "a value without an end": lambda: split_items(b'{"a":"' + b'\\"' * 1_000_000, 500),
    "quotes in names": lambda: split_items(b'{"a":' + b'"\\"' * 1_000_000, 500),
    "blanks": lambda: split_items(b" " * 2_000_000, 500),
    "blanks before a name": lambda: split_items(b"{" + b" " * 2_000_000, 500),
    "blanks before a colon": lambda: split_items(b'{"a"' + b" " * 2_000_000, 500),
    "blanks between items": lambda: split_items(b'{"items":[{}' + b" " * 2_000_000, 500),
    "JSON without an end": lambda: decode_json(b'{"a":"' + b'\\"' * 500_000, most=10),
    "JSON of quotes": lambda: decode_json(b'[{"a":1}' + b':"\\"' * 250_000, most=10),
    "a picture without an end": lambda: check_without_pictures(b'"image":"data:' + b"\\/" * 4_000_000),
    "starts of pictures": lambda: check_without_pictures(b'"image":"data:' * 1_000_000),
    "blanks before pictures": lambda: check_without_pictures((b'"image":' + b" " * 1_000_000) * 4),
    "digits": lambda: decode_json(b"1" * 1_000_000),
    "blank lines": lambda: LineSource(b"\n" * 8_000_000 + b"x", 500),
    "long blank lines": lambda: LineSource((b" " * 100_000 + b"\n") * 80 + b"x", 500),
    "lines": lambda: LineSource(b"x\n\n\n" * 40_000, 50_000),
    "percent signs": lambda: list(decoded_pairs(b"a=" + b"%" * 1_000_000)),
    "encoded signs": lambda: list(decoded_pairs(b"a=" + b"%41" * 300_000)),
    "fields": lambda: list(decoded_pairs(b"a=b&" * 100_000)),
    "EXIF headers": lambda: exif_orientation(b"Exif\0\0" * 2_000_000),
    "XMP": lambda: orientation_of(b"", b"tiff:Orientation" + b" " * 1_000_000),
    "XMP starts": lambda: orientation_of(b"", b"tiff:Orientation> " * 60_000),
    "a raw profile": lambda: raw_profile(b" " * 1_000_000 + b"1 " * 500_000),
    "entity tags": lambda: parse_etags('"a",' * 2_000 + " " * 8_000 + '"'),
    "a part's name without an end": lambda: count_names('; name="' + '\\"' * (MAX_HEADER_BYTES // 2)),
    "blanks in a part's names": lambda: count_names("; " * 8_000 + ";" + " " * MAX_HEADER_BYTES),
    "options": lambda: parse_options_header("a;" + 'b="\\' * 16_000),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_is_linear(name: str) -> None:
    began = time.process_time()
    with suppress(MalformedJson, AtelierError):
        PARSERS[name]()
    assert time.process_time() - began <= MOST_SECONDS


@given(st.text("ab%&=+4é1;", max_size=60), st.integers(3, 5))
def test_a_form_is_read_as_by_the_library(text: str, size: int) -> None:
    known = [
        (name.encode("latin-1").decode("utf-8", "replace"), value.encode("latin-1"))
        for name, value in parse_qsl(text, keep_blank_values=True, encoding="latin-1")
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.requests.body._QUOTED_PIECE", size)
        assert list(decoded_pairs(text.encode("latin-1"))) == known
