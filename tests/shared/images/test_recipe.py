"""The recipe is found in a picture, no matter what copied it; what is no recipe is told, at once."""

import time
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RecipeInvalid, RecipeMissing
from shared.images.recipe import MOST_BYTES, recipe_in
from tests.support.images import pictures

TEXT = '{"atelier":1,"type":"generate"}'


def chunk(text: bytes) -> bytes:
    body = b"atelier:recipe\0\0\0\0\0" + text
    return len(body).to_bytes(4, "big") + b"iTXt" + body + zlib.crc32(b"iTXt" + body).to_bytes(4, "big")


def with_chunk(text: bytes) -> bytes:
    data = pictures.png()
    return data[:33] + chunk(text) + data[33:]


def with_property(text: str) -> bytes:
    return pictures.jpeg() + f"<rdf:li/><atelier:recipe>{text}</atelier:recipe>".encode()


def test_it_is_found_in_each_place() -> None:
    assert recipe_in(with_chunk(TEXT.encode())) == TEXT
    assert recipe_in(with_property(TEXT)) == TEXT
    assert recipe_in(with_property(TEXT.replace('"', "&quot;"))) == TEXT
    assert recipe_in(f"\n {TEXT}".encode()) == f"\n {TEXT}"


@pytest.mark.parametrize(
    "data", [pictures.png(), pictures.jpeg(), pictures.gif(), b"", b"\x89PNG", b"\0" * 99]
)
def test_a_picture_without_one_is_told_so(data: bytes) -> None:
    with pytest.raises(RecipeMissing, match="has no recipe"):
        recipe_in(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (with_property("x" * (MOST_BYTES + 1)), "more than 65536 bytes"),
        (with_chunk(b"x" * (MOST_BYTES + 1)), "more than 65536 bytes"),
        (b"{" + b" " * MOST_BYTES, "more than 65536 bytes"),
        (with_property("abc")[:-9], "cut off"),
        (with_chunk(b"x" * 900)[:500], "cut off"),
        (with_chunk(b"\xff\xfe"), "no text in UTF-8"),
    ],
)
def test_what_is_damaged_or_too_large_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(RecipeInvalid, match=words):
        recipe_in(data)


def test_beginnings_without_an_end_cost_one_search() -> None:
    data = b"<atelier:recipe>" * (2 * 1024 * 1024)
    started = time.process_time()
    with pytest.raises(RecipeInvalid):
        recipe_in(data)
    assert time.process_time() - started < 2  # some milliseconds; by structure it would be minutes


@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"{", b"<atelier:recipe>", chunk(b"{}")]),
    st.binary(max_size=200),
)
def test_no_bytes_lead_to_anything_else(start: bytes, rest: bytes) -> None:
    with suppress(RecipeMissing, RecipeInvalid):
        assert isinstance(recipe_in(start + rest), str)
