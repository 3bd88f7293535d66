"""The items of a batch before they are accepted: shapes, faults and their places, what is filled in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.batches.faults import Faults
from api.batches.inputs import Inputs
from api.batches.items import Cards, Item, resolved, sound_items
from api.batches.sources import ArraySource, LineSource, Source, TemplateSource
from api.services import Services
from shared.batches.request import BatchSettings
from shared.cards.card import load_catalog
from shared.errors import (
    AtelierError,
    FileNotFound,
    ImageTooLarge,
    InvalidRequest,
    StyleNotFound,
    UnknownModel,
)
from shared.identifiers import ANONYMOUS, file_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.specs.parts import Lane
from tests.support.images.pictures import png

DIGIT = {"type": "generate", "digit": 3}
NOWHERE = file_id("0" * 64)
PAINTED = {"type": "stylize", "content": NOWHERE, "styles": [{"image": NOWHERE}]}


def checked(source: Source, *, first: int = 0, settings: BatchSettings | None = None) -> list[Item]:
    faults = Faults(source)
    cards = Cards(load_catalog())
    items = list(sound_items(source, settings or BatchSettings(), cards, first=first, faults=faults))
    faults.raise_any()
    return items


def refused(source: Source, kind: type[AtelierError] = InvalidRequest) -> AtelierError:
    with pytest.raises(kind) as caught:
        checked(source)
    assert type(caught.value) is kind
    return caught.value


def places(error: AtelierError) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.errors]


def lines(*items: Any) -> bytes:
    return b"\n".join(json.dumps(item).encode() for item in items)


DIGITS = st.builds(
    lambda seed, digit: {"type": "generate", "seed": seed, "digit": digit},
    st.integers(0, 99),
    st.integers(0, 9),
)
PAINTINGS = st.builds(lambda strength: {**PAINTED, "strength": strength}, st.floats(0, 1))
ITEMS = st.lists(DIGITS | PAINTINGS, min_size=1, max_size=8)


@given(items=ITEMS, blank=st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\n  \n"]), bom=st.booleans())
def test_lines_say_the_same_as_an_array(items: list[Any], blank: bytes, bom: bool) -> None:
    text = b"\xef\xbb\xbf" * bom + blank.join(json.dumps(item).encode() for item in items) + blank
    assert checked(LineSource(text, 500)) == checked(ArraySource(items))


def test_an_item_without_an_id_is_called_by_its_index_in_the_batch() -> None:
    items = checked(ArraySource([DIGIT, {**DIGIT, "custom_id": "a"}, {**DIGIT, "custom_id": None}]), first=40)
    assert [item.custom_id for item in items] == ["40", "a", "42"]


def test_every_fault_of_every_item_is_told_by_its_place() -> None:
    bad = [
        DIGIT,
        {"type": "generate", "digit": 12, "truncation": 9},
        {"type": "generate", "count": 0, "colour": 1},
        7,
        {**DIGIT, "custom_id": ""},
    ]
    assert places(refused(ArraySource(bad))) == [
        ("/items/1/truncation", "out_of_range"),
        ("/items/1/digit", "out_of_range"),
        ("/items/2/count", "out_of_range"),
        ("/items/2/colour", "unknown_field"),
        ("/items/3", "invalid_type"),
        ("/items/4/custom_id", "invalid_format"),
    ]


def test_faults_of_lines_name_the_line() -> None:
    error = refused(LineSource(lines(DIGIT) + b"\n\n{\n" + lines({**DIGIT, "digit": 12}), 500))
    assert places(error) == [("/items/1", "malformed_json"), ("/items/2/digit", "out_of_range")]
    assert error.errors[0].detail.startswith("line 3: it is not JSON")
    assert error.errors[1].detail == "line 4: digit must be between 0 and 9; got 12"


def test_a_hundred_faults_are_told_and_the_items_at_fault_counted() -> None:
    error = refused(
        ArraySource([DIGIT, *[{**DIGIT, "digit": 12}] * 300, *[{"type": "generate", "seed": -1}] * 5])
    )
    assert len(error.errors) == 100
    assert error.detail.startswith(
        "305 of 306 items are at fault, so none was accepted; the first 100 faults"
    )


def test_the_same_custom_id_twice_is_a_fault() -> None:
    error = refused(ArraySource([{**DIGIT, "custom_id": "a"}, DIGIT, {**DIGIT, "custom_id": "a"}]))
    assert places(error) == [("/items/2/custom_id", "duplicate")]
    assert "item 0" in error.errors[0].detail
    assert places(refused(ArraySource([{**DIGIT, "custom_id": "1"}, DIGIT]))) == [
        ("/items/1/custom_id", "duplicate")
    ]


def test_faults_of_one_kind_keep_their_class() -> None:
    error = refused(ArraySource([{**DIGIT, "model": "nobody"}]), UnknownModel)
    assert places(error) == [("/items/0/model", "unknown_model")]


def test_a_result_too_large_is_refused_as_in_a_single_job() -> None:
    sheet = {**DIGIT, "count": 256, "grid": {"columns": 1}, "upscale": {"factor": 32}}
    assert places(refused(ArraySource([sheet]))) == [("/items/0/grid", "out_of_range")]


def test_a_line_of_its_own_lane_or_webhook_is_a_fault() -> None:
    own = [
        {**DIGIT, "lane": "interactive"},
        {**DIGIT, "lane": "bulk"},
        {**DIGIT, "webhook": {"url": "http://a.b/"}},
    ]
    error = refused(ArraySource(own))
    assert places(error) == [("/items/0/lane", "invalid_value"), ("/items/2/webhook", "invalid_value")]


TEMPLATE = {"type": "stylize", "multiply": {"content": [NOWHERE], "strength": [0.5, 1]}}


def test_a_template_names_the_field_or_the_value_at_fault_once() -> None:
    template = {**TEMPLATE, "styles": [{"image": NOWHERE}], "stroke": 1}
    template["multiply"] = {"content": [NOWHERE], "strength": [0.5, 9]}
    assert places(refused(TemplateSource(template))) == [
        ("/template/stroke", "out_of_range"),
        ("/template/multiply/strength/1", "out_of_range"),
    ]
    styled = {"type": "stylize", "content": NOWHERE, "multiply": {"style": [NOWHERE, 3]}}
    assert places(refused(TemplateSource(styled))) == [
        ("/template/multiply/style/1/number", "unknown_parameter")
    ]


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ({"type": "generate", "multiply": {"strength": [1]}}, "/template/multiply/strength"),
        ({"type": "generate", "seed": 1, "multiply": {"seed": [1]}}, "/template/seed"),
        (
            {"type": "generate", "multiply": {"mode": "zip", "seed": [1], "digit": [1, 2]}},
            "/template/multiply",
        ),
        ({"type": "generate", "multiply": {}}, "/template/multiply"),
        ({"type": "generate"}, "/template/multiply"),
        ({"type": "generate", "multiply": {"seed": [-1]}}, "/template/multiply/seed/0"),
        ({"type": "stylize", "multiply": {"style": [7, {"label": "x"}]}}, "/template/multiply/style/1"),
    ],
)
def test_lists_that_make_no_sense_are_refused(template: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        TemplateSource(template)
    assert [fault.pointer for fault in caught.value.errors] == [place]


def test_missing_files_and_styles_are_told_with_all_other_faults(services: Services) -> None:
    named = {**PAINTED, "styles": [{"name": "nobody"}]}
    source = ArraySource([PAINTED, {**named, "custom_id": "x"}])
    faults = Faults(source)
    items = list(sound_items(source, BatchSettings(), Cards(services.catalog), first=0, faults=faults))
    Inputs(services, ANONYMOUS).checked(items, faults)
    with pytest.raises(InvalidRequest) as caught:
        faults.raise_any()
    assert set(places(caught.value)) == {
        ("/items/0/content", FileNotFound.code),
        ("/items/0/styles/0/image", FileNotFound.code),
        ("/items/1/styles/0/name", StyleNotFound.code),
        ("/items/1/content", FileNotFound.code),
    }


def test_inputs_are_found_in_one_round_trip_however_many_items_name_them(services: Services) -> None:
    data = png(4200, 40)
    wide = services.files.add(ANONYMOUS, data, probe(data, ImageLimits()))[0].id
    item = {"type": "stylize", "model": "magenta-v1-256", "content": wide, "styles": [{"image": wide}]}
    item |= {"stroke": "native"}
    source = ArraySource([item] * 50)
    faults = Faults(source)
    items = list(sound_items(source, BatchSettings(), Cards(services.catalog), first=0, faults=faults))
    client = services.store.client
    before = client.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"]
    Inputs(services, ANONYMOUS).checked(items, faults)
    assert client.info("commandstats")["cmdstat_hmget"]["calls"] - before == 1
    with pytest.raises(ImageTooLarge):
        faults.raise_any()


def test_what_the_batch_says_holds_for_its_items() -> None:
    settings = BatchSettings(lane=Lane.BULK, ttl_seconds=60, deadline_seconds=90)
    items = checked(ArraySource([DIGIT, {**DIGIT, "deadline_seconds": 5}]), settings=settings)
    specs = [spec for _, spec in resolved(items, settings, batch_id="batch_a", first=0)]
    assert [(spec.lane, spec.ttl_seconds) for spec in specs] == [(Lane.BULK, 60)] * 2
    assert [spec.deadline_seconds for spec in specs] == [90, 5]
    assert {spec.model for spec in specs} == {"mnist-dcgan"}


def test_seeds_left_open_are_the_same_when_the_items_come_again() -> None:
    items = checked(ArraySource([{**DIGIT, "count": 3}, DIGIT]))
    first, again = (
        [s.seeds for _, s in resolved(items, BatchSettings(), batch_id="b", first=5)] for _ in "ab"
    )
    other = [spec.seeds for _, spec in resolved(items, BatchSettings(), batch_id="c", first=5)]
    assert first == again != other
    assert [len(seeds) for seeds in first] == [3, 1]
