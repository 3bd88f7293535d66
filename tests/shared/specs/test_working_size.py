"""At which size a network works on a content picture."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.cards.card import ModelCard, bundled_cards, load_catalog
from shared.errors import ImageTooLarge, ImageTooSmall
from shared.images.limits import ImageLimits
from shared.specs.parts import PictureSize
from shared.specs.results import Results
from shared.specs.spec import JOB_SPEC, StylizeSpec, TransformSpec, work_of
from shared.specs.working_size import check_content, fit, result_size, working_size

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


def checked(size: PictureSize, **output: Any) -> None:
    limits = ImageLimits(max_pixels=64_000_000, max_frames=10)
    check_content(spec(output=output), card(), size, limits)


def test_a_result_that_enlarging_makes_too_large_is_refused_by_the_field() -> None:
    checked(PictureSize(4000, 4000), enlarge=2)
    for size, output, told in (
        (PictureSize(4001, 4000), {"enlarge": 2}, "8002 x 8000, above 64000000 pixels"),
        (PictureSize(4097, 20), {"enlarge": 4}, "16388 x 80; a side may have at most 16384"),
        (PictureSize(4096, 20), {"enlarge": 4, "format": "webp"}, "a side may have at most 16383"),
        (PictureSize(1000, 1000, 9), {"enlarge": 3, "format": "webp"}, "in 9 frames, above"),
    ):
        with pytest.raises(ImageTooLarge, match=told) as caught:
            checked(size, **output)
        assert caught.value.errors[0].pointer == "/output/enlarge"
    checked(PictureSize(1000, 1000, 9), enlarge=3)  # of which the first frame alone is painted


def test_a_transformation_that_enlarges_counts_as_large_as_its_result() -> None:
    asked = JOB_SPEC.validate_python({"type": "transform", "content": FILE, "model": "enlarge-x4"})
    assert isinstance(asked, TransformSpec)
    model, limits = load_catalog().get("enlarge-x4"), ImageLimits(max_pixels=1_000_000)
    check_content(asked, model, PictureSize(250, 250), limits)
    with pytest.raises(ImageTooLarge, match="enlarged 4 times, are 1004 x 1000") as caught:
        check_content(asked, model, PictureSize(251, 250), limits)
    assert caught.value.errors[0].pointer == "/content"


def test_a_network_that_brings_a_painting_to_its_size_is_more_work_where_it_has_any() -> None:
    small, large = PictureSize(900, 600), PictureSize(3000, 2000)
    guided, network = spec(upsample="guided"), spec(upsample="network")
    works = {size: [work_of(each, card(), size) for each in (guided, network)] for size in (small, large)}
    halves = {size: [int(work.split(":")[1]) for work in pair] for size, pair in works.items()}
    assert [work.split(":")[0] for work in works[large]] == ["magenta-mobile", "magenta-mobile+enlarge-x4"]
    assert halves[small][0] == halves[small][1]
    assert halves[large][1] >= halves[large][0] + 5
    assert Results.of(guided, card(), large) == Results.of(network, card(), large)
    both = work_of(spec(upsample="network", output={"enlarge": 2}), card(), small)
    assert both.startswith("magenta-mobile+enlarge-x4+enlarge-x2:")


@pytest.mark.parametrize("way", ["Network", "", 4, True])
def test_only_two_ways_bring_a_painting_to_its_size(way: object) -> None:
    with pytest.raises(ValidationError):
        spec(upsample=way)


def test_what_is_enlarged_counts_enlarged_in_quotas_and_as_more_work() -> None:
    plain, enlarged = spec(), spec(output={"enlarge": 4})
    size = PictureSize(100, 50)
    assert Results.of(plain, card(), size).pixels == 5000
    assert Results.of(enlarged, card(), size).pixels == 80_000
    works = [work_of(each, card(), size) for each in (plain, enlarged)]
    small, large = (int(work.split(":")[1]) for work in works)
    assert large >= small + 10  # half octaves: over thirty times the work
