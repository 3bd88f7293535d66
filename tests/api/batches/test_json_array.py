"""Finding the items in a JSON body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.batches.json_array import split_items

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(['"', "\\", '{"', "items"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=4), max_size=4)
SPACES = st.sampled_from([None, 0, 2])


@given(
    before=st.dictionaries(st.text(max_size=6), JSON, max_size=3), items=OBJECTS, after=JSON, indent=SPACES
)
def test_every_item_is_found_where_it_stands(
    before: dict[str, Any], items: list[Any], after: object, indent: int | None
) -> None:
    before.pop("items", None)
    body = {**before, "items": items, "zz": after}
    data = json.dumps(body, indent=indent, ensure_ascii=False).encode()
    found = split_items(data, 500)
    assert found is not None
    rest, spans = found
    assert json.loads(rest) == {**body, "items": []}
    assert [json.loads(data[start:end]) for start, end in spans] == items


@given(body=JSON | st.dictionaries(st.sampled_from(["items", "a", "b"]), JSON, max_size=3))
def test_whatever_else_is_left_to_be_read_whole(body: object) -> None:
    found = split_items(json.dumps(body).encode(), 500)
    if found is not None:
        assert isinstance(body, dict)
        assert all(isinstance(item, dict) for item in body["items"])


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b'{"items"', b'{"items":', b'{"items":[', b'{"items":[{', b'{"items":[{}',
        b'{"items":[{},', b'{"items":[{} {}]}', b'{"items":[7]}', b'{"items":[{},7]}', b'{"items":{}}',
        b'{"a":"items"}', b'{"a":[}', b"\xff",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_be_read_whole(data: bytes) -> None:
    assert split_items(data, 500) is None
