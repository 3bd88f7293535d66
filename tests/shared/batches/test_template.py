"""Templates of a batch: how many items their lists make, in which order, under which ids."""

from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.batches.request import Multiply
from shared.batches.template import axes_of, combinations, count, place_of
from shared.identifiers import file_id

FILES = [file_id(f"{number:064x}") for number in range(4)]
LISTS = st.fixed_dictionaries(
    {},
    optional={
        "content": st.lists(st.sampled_from(FILES), min_size=1, max_size=4),
        "style": st.lists(st.sampled_from([FILES[0], "waves", 3]), min_size=1, max_size=3),
        "model": st.lists(st.sampled_from(["a", "b/c"]), min_size=1, max_size=2),
        "strength": st.lists(st.sampled_from([0.2, 0.6, 1]), min_size=1, max_size=3),
        "digit": st.lists(st.integers(0, 9), min_size=1, max_size=3),
        "seed": st.lists(st.integers(0, 99), min_size=1, max_size=3),
    },
).filter(bool)


def items(mode: str = "product", **lists: Any) -> list[Any]:
    return list(combinations(axes_of(Multiply(mode=mode, **lists)), mode))


@given(lists=LISTS)
def test_a_product_has_every_combination_once_and_the_last_list_changes_fastest(
    lists: dict[str, Any],
) -> None:
    axes = axes_of(Multiply(**lists))
    made = list(combinations(axes, "product"))
    assert len(made) == count(axes, "product") == prod(len(values) for values in lists.values())
    for position, item in enumerate(made):
        places = place_of(axes, "product", position)
        assert item.fields == {axis.field: axis.values[places[axis.name]] for axis in axes}
    places_in_order = [tuple(place_of(axes, "product", at).values()) for at in range(len(made))]
    assert len(set(places_in_order)) == len(made)
    assert sorted(place[::-1] for place in places_in_order) == [place[::-1] for place in places_in_order]


@given(lists=LISTS, length=st.integers(1, 5))
def test_a_zip_takes_the_lists_side_by_side(lists: dict[str, Any], length: int) -> None:
    equal = {name: [values[0]] * length for name, values in lists.items()}
    axes = axes_of(Multiply(mode="zip", **equal))
    made = list(combinations(axes, "zip"))
    assert len(made) == count(axes, "zip") == length
    assert all(place_of(axes, "zip", at) == dict.fromkeys(equal, at) for at in range(length))


@given(lists=LISTS)
def test_custom_ids_are_unique_and_short_and_the_same_each_time(lists: dict[str, Any]) -> None:
    first, again = items(**lists), items(**lists)
    ids = [item.custom_id for item in first]
    assert len(set(ids)) == len(ids)
    assert ids == [item.custom_id for item in again]
    assert all(1 <= len(name) <= 64 for name in ids)


def test_lists_of_different_lengths_make_no_zip() -> None:
    axes = axes_of(Multiply(mode="zip", digit=[1, 2], seed=[1, 2, 3]))
    with pytest.raises(ValueError, match="digit has 2, seed has 3"):
        count(axes, "zip")


def test_custom_ids_tell_the_values_that_differ() -> None:
    labeled = [{"id": FILES[0], "label": "portrait"}, FILES[1]]
    made = items(content=labeled, style=["waves", 3, FILES[2]], strength=[0.6, 1], seed=[5])
    assert [item.custom_id for item in made[:3]] == [
        "0000-portrait-waves-0.6",
        "0001-portrait-waves-1",
        "0002-portrait-style3-0.6",
    ]
    assert made[-1].custom_id == "0011-content1-style2-1"
    assert made[-1].fields == {
        "content": FILES[1],
        "styles": [{"image": FILES[2]}],
        "strength": 1,
        "seed": 5,
    }


def test_a_range_of_seeds_includes_both_ends() -> None:
    assert [item.fields["seed"] for item in items(seed={"from": 3, "to": 5})] == [3, 4, 5]


@pytest.mark.parametrize(
    "seed",
    [{"from": 2, "to": 1}, {"from": 0, "to": 50_000}, {"from": 1}, {"from": "1", "to": 2}, [], [-1], {}, "1"],
)
def test_what_is_no_range_of_seeds_is_refused(seed: object) -> None:
    with pytest.raises(ValidationError):
        Multiply.model_validate({"seed": seed})


def test_a_template_must_multiply_something() -> None:
    with pytest.raises(ValidationError, match="at least one list"):
        Multiply(mode="zip")
