"""At which size a network works on a content picture."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cards.card import ModelCard, bundled_cards, load_catalog
from shared.errors import ImageTooLarge, ImageTooSmall
from shared.specs.spec import JOB_SPEC, StylizeSpec, TransformSpec
from shared.specs.working_size import fit, result_size, working_size

FILE = "file_" + "a" * 64
DEFAULT = 1024
STYLIZERS = [card for card in bundled_cards() if card.kind == "stylize"]
SIDES = st.integers(16, 16_384)
ANY_SIDES = st.integers(1, 20_000)
STROKES = st.one_of(st.none(), st.just("native"), st.integers(64, 4096))


def card(**changes: Any) -> ModelCard:
    return load_catalog().get("magenta-mobile").model_copy(update=changes)


def spec(**fields: Any) -> StylizeSpec | TransformSpec:
    found = JOB_SPEC.validate_python(
        {"type": "stylize", "content": FILE, "styles": [{"number": 1}], **fields}
    )
    assert isinstance(found, StylizeSpec)
    return found


@pytest.mark.parametrize("model", STYLIZERS, ids=lambda entry: entry.name)
def test_every_network_paints_a_large_photo_at_the_default_side(model: ModelCard) -> None:
    assert working_size(spec(), model, (6000, 4000)) == (DEFAULT, 683)
    assert working_size(spec(), model, (3000, 4000)) == (768, DEFAULT)
    assert working_size(spec(), model, (640, 480)) == (640, 480)


def test_native_is_the_size_of_the_result() -> None:
    assert working_size(spec(stroke="native"), card(), (6000, 4000)) == (6000, 4000)
    small = spec(stroke="native", size={"max_side": 3000})
    assert working_size(small, card(), (6000, 4000)) == (3000, 2000)


def test_a_smaller_result_does_not_change_what_the_strokes_are() -> None:
    asked = spec(size={"max_side": 2048})
    assert result_size(asked, (6000, 4000)) == (2048, 1365)
    assert working_size(asked, card(), (6000, 4000)) == (DEFAULT, 682)


def test_a_network_whose_card_says_no_stroke_works_at_the_contents_size() -> None:
    assert working_size(spec(), card(stroke=None), (6000, 4000)) == (6000, 4000)


def test_a_transformation_knows_no_strokes() -> None:
    found = JOB_SPEC.validate_python({"type": "transform", "content": FILE, "size": {"max_side": 3000}})
    assert isinstance(found, TransformSpec)
    assert working_size(found, card(), (6000, 4000)) == (3000, 2000)


def test_what_the_network_does_not_take_is_refused_by_name() -> None:
    with pytest.raises(ImageTooLarge, match=r"takes sides up to 2000: set size\.max_side or stroke"):
        working_size(spec(stroke="native"), card(max_side=2000), (6000, 4000))
    with pytest.raises(ImageTooSmall, match="needs sides of at least 16"):
        working_size(spec(size={"max_side": 16}), card(), (6000, 4000))


@given(width=SIDES, height=SIDES, stroke=STROKES)
def test_painting_never_enlarges_keeps_the_shape_and_stays_legal(
    width: int, height: int, stroke: int | str | None
) -> None:
    worked = working_size(spec(stroke=stroke), card(), (width, height))
    scale = max(worked) / max(width, height)
    assert max(worked) <= max(width, height)
    assert min(worked) >= card().min_side
    assert abs(worked[0] - width * scale) <= 1
    assert abs(worked[1] - height * scale) <= 1


@given(ANY_SIDES, ANY_SIDES, ANY_SIDES)
def test_fit_never_grows_and_keeps_the_shape(width: int, height: int, max_side: int) -> None:
    fitted = fit(width, height, max_side)
    assert max(fitted) == min(max_side, max(width, height))
    assert min(fitted) >= 1
    scale = max(fitted) / max(width, height)
    assert abs(fitted[0] - width * scale) <= 1
    assert abs(fitted[1] - height * scale) <= 1
