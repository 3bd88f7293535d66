"""Expands the lists of a template into the items of a batch, in a fixed order, with readable ids."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from shared.batches.request import LabeledContent, LabeledStyle, Multiply

ORDER = ("content", "style", "model", "strength", "digit", "seed")  # the first changes slowest in a product
FIELD = {"style": "styles"}  # specification field of a multiplied field, if its name differs
MAX_ID = 64  # characters of a custom id
_MAX_PART = 24  # characters of one value within it


@dataclass(frozen=True, slots=True)
class Axis:
    """One multiplied field."""

    name: str  # in Multiply
    values: Sequence[Any]  # in the form that the specification takes
    labels: Sequence[str] | None  # part of the custom id for each value; None if there is only one value

    @property
    def field(self) -> str:
        """The specification field for the values."""
        return FIELD.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Combination:
    """One item of a template."""

    fields: Mapping[str, Any]  # fields added to the template
    custom_id: str


def axes_of(multiply: Multiply) -> list[Axis]:
    """Return the multiplied fields in their order."""
    given = ((name, getattr(multiply, name)) for name in ORDER)
    return [_axis(name, values) for name, values in given if values is not None]


def count(axes: Sequence[Axis], mode: str) -> int:
    """Return the number of items; raise ValueError if the lists of a zip differ in length."""
    lengths = [len(axis.values) for axis in axes]
    if mode == "product":
        total = 1
        for length in lengths:
            total *= length
        return total
    if len(set(lengths)) > 1:
        lengths_text = ", ".join(f"{axis.name} has {len(axis.values)}" for axis in axes)
        raise ValueError(f"the lists of a zip must be equally long; {lengths_text}")
    return lengths[0]


def combinations(axes: Sequence[Axis], mode: str) -> Iterator[Combination]:
    """Yield every combination in order. A custom id has the item's number and the labels of its values."""
    total = count(axes, mode)
    ranges = [range(len(axis.values)) for axis in axes]
    digits = max(4, len(str(total - 1)))
    for number, places in enumerate(product(*ranges) if mode == "product" else zip(*ranges, strict=True)):
        pairs = list(zip(axes, places, strict=True))
        labels = [axis.labels[place] for axis, place in pairs if axis.labels is not None]
        yield Combination(
            fields={axis.field: axis.values[place] for axis, place in pairs},
            custom_id="-".join([f"{number:0{digits}d}", *labels])[:MAX_ID],
        )


def place_of(axes: Sequence[Axis], mode: str, position: int) -> dict[str, int]:
    """Return, by list name, the index of the value that the item at a position has."""
    if mode == "zip":
        return {axis.name: position for axis in axes}
    found = {}
    for axis in reversed(axes):
        position, found[axis.name] = divmod(position, len(axis.values))
    return found


def _axis(name: str, values: Sequence[Any]) -> Axis:
    label = _LABELS[name]
    labels = [label(value, place) for place, value in enumerate(values)] if len(values) > 1 else None
    return Axis(name, [_value(value) for value in values], labels)


def _value(value: Any) -> Any:
    if isinstance(value, LabeledContent):
        return value.id
    return (
        [value.model_dump(exclude={"label"}, exclude_none=True)] if isinstance(value, LabeledStyle) else value
    )


def style_label(style: LabeledStyle, place: int) -> str:
    """Return what a style is called in custom ids, by its place in its list."""
    number = place if style.number is None else style.number
    return style.label or (style.name or f"style{number}")[:_MAX_PART]


_LABELS: Mapping[str, Callable[[Any, int], str]] = {
    "content": lambda content, place: content.label or f"content{place}",
    "style": style_label,
    "model": lambda name, _place: re.sub(r"[^A-Za-z0-9._-]", "_", name)[:_MAX_PART],
    "strength": lambda strength, _place: f"{strength:g}",
    "digit": lambda digit, _place: f"digit{digit}",
    "seed": lambda seed, _place: f"seed{seed}",
}
