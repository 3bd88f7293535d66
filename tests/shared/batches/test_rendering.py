"""Names of pictures in archives."""

import re
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batches.rendering import alike, member_name
from shared.batches.request import CUSTOM_ID

IDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=64).filter(
    lambda text: re.fullmatch(CUSTOM_ID, text) is not None
)
TRICKY = st.lists(
    st.sampled_from(["a", "A", ".", "..", "/", "~", "~~", "0", "7", " ", "\\", ":", "nul"])
).map("".join)
PNG = "image/png"


@pytest.mark.parametrize(
    ("custom_id", "name"),
    [
        ("portrait", "portrait.png"),
        ("IMG_1 (2)", "IMG_1 (2).png"),
        ("summer/beach/1", "summer/beach/1.png"),
        ("straße", "straße.png"),
        ("../../etc/passwd", "7~~______etc_passwd.png"),
        ("/etc/passwd", "7~~__etc_passwd.png"),
        ("a\\b", "7~~a_b.png"),
        ("c:\\x", "7~~c__x.png"),
        (".hidden", "7~~_hidden.png"),
        ("nul", "7~~_nul.png"),
        ("a~b", "7~~a_b.png"),
        ("a.png/b", "7~~a_png_b.png"),
        ("dot.", "7~~dot_.png"),
        (" space", "7~~space.png"),
    ],
)
def test_a_name_says_the_custom_id_as_far_as_a_file_may(custom_id: str, name: str) -> None:
    assert member_name(custom_id, 7, PNG) == name


@given(custom_id=IDS | TRICKY.filter(bool), index=st.integers(0, 50_000))
def test_no_name_leads_out_of_its_folder(custom_id: str, index: int) -> None:
    parts = member_name(custom_id, index, PNG).split("/")
    assert all(part not in ("", ".", "..") and not part.startswith(".") for part in parts)
    assert not any(char in "".join(parts) for char in '\\:*?"<>|\0')


@given(ids=st.lists(IDS | TRICKY.filter(bool), min_size=2, max_size=6, unique=True), several=st.booleans())
def test_different_items_have_different_names(ids: list[str], several: bool) -> None:
    names = [
        member_name(name, index, PNG, number=number, of=count)
        for index, name in enumerate(ids)
        for count in [3 if several and index % 2 else 1]
        for number in range(count)
    ]
    assert len(set(names)) == len(names)


def test_several_pictures_of_an_item_are_numbered() -> None:
    assert member_name("a", 7, "image/jpeg", number=2, of=3) == "a~2.jpg"


def test_an_unknown_type_has_a_plain_extension() -> None:
    assert member_name("a", 7, "image/x-new") == "a.bin"


@given(custom_id=IDS | st.text("\U00020000", min_size=60, max_size=64), index=st.integers(0, 49_999))
def test_no_part_of_a_name_is_too_long_for_a_file(custom_id: str, index: int) -> None:
    for apart in (False, True):
        name = member_name(custom_id, index, PNG, number=1023, of=1024, apart=apart)
        assert max(len(part.encode()) for part in name.split("/")) <= 255


@given(st.text(max_size=8))
def test_names_that_differ_by_case_or_composition_are_alike(name: str) -> None:
    for form in ("NFC", "NFD"):
        same = normalize(form, name)
        for other in (same.casefold(), same.upper(), same.lower(), same.swapcase()):
            assert alike(normalize(form, other)) == alike(name)
