"""The forms of items: a JSON array, JSON lines, a template. Each maps a fault to its place in the request."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Protocol

from pydantic_core import to_json

from api.batches.json_array import Span, too_many_items
from api.errors import MalformedJson
from api.requests.field_errors import invalid, validated
from api.requests.json_text import MAX_JSON_BYTES, decode_json, without_mark
from shared.batches.request import Multiply
from shared.batches.template import Axis, axes_of, combinations, count, place_of
from shared.errors import BodyTooLarge, FieldError, InvalidRequest
from shared.specs.spec import SPECS

_SETTINGS = re.compile(rb'\s*+\{\s*+"batch"\s*+:')
_LINE = re.compile(rb"\S[^\n]*+")  # from the first character of a line that is not blank
_SETTINGS_LINES = 2  # at most, and they are no items


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that is not JSON, or has more in it than a job may have."""

    fault: FieldError


class Line(NamedTuple):
    """Where a line stands that is not blank."""

    number: int  # from 1
    start: int
    end: int


class Source(Protocol):
    """Items in the form in which they were sent."""

    place: str  # pointer to what holds the items
    shared_bytes: int  # of what all items have in common, which the client sent once

    @property
    def count(self) -> int:
        """The number of items."""

    def values(self) -> Iterator[Any]:
        """Yield each item as a JSON value, or Unreadable."""

    def bytes_of(self, position: int) -> int:
        """Return how many bytes an item has as text, about; 0 where its values are there already."""

    def reported(self, position: int, fault: FieldError) -> FieldError:
        """Convert an item's fault to a fault of the request."""


class ArraySource:
    """Items of a JSON array."""

    place, shared_bytes = "/items", 0

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    @property
    def count(self) -> int:
        """The number of items."""
        return len(self._items)

    def values(self) -> Iterator[Any]:
        """Yield each item."""
        return iter(self._items)

    def bytes_of(self, _position: int) -> int:
        """Return 0: all items were parsed together."""
        return 0

    def reported(self, position: int, fault: FieldError) -> FieldError:
        """Return an item's fault with the item's pointer before its own."""
        return FieldError(f"/items/{position}{fault.pointer}", fault.detail, fault.code)


class SpanSource(ArraySource):
    """Items of a JSON array; each is parsed when it is needed."""

    def __init__(self, data: bytes, spans: Sequence[Span]) -> None:
        super().__init__(spans)
        self._data = data

    def values(self) -> Iterator[Any]:
        """Yield each item, or Unreadable; raise MalformedJson."""
        return (_value(self._data[start:end]) for start, end in self._items)

    def bytes_of(self, position: int) -> int:
        """Return the bytes of an item's text."""
        start, end = self._items[position]
        return int(end - start)


class LineSource:
    """Items of a text with one JSON object on each line. Blank lines count as lines but are not items."""

    place, shared_bytes = "/items", 0

    def __init__(self, data: bytes, most: int) -> None:
        """Find the lines; raise InvalidRequest at the first one after `most` items and their settings."""
        self._data = without_mark(data)
        self._lines = list(islice(_lines(self._data), most + _SETTINGS_LINES + 1))
        self._most = most
        self._check_count(most + _SETTINGS_LINES)

    def take_settings(self) -> list[Any]:
        """Remove the batch's settings from the first and the last line, and return them."""
        places = {0, len(self._lines) - 1} if self._lines else set()
        found = {at: self._read(self._lines[at]) for at in places if self._may_be_settings(self._lines[at])}
        settings = {at: value for at, value in found.items() if not isinstance(value, Unreadable)}
        self._lines = [line for at, line in enumerate(self._lines) if at not in settings]
        self._check_count(self._most)
        return list(settings.values())

    def _check_count(self, most: int) -> None:
        if len(self._lines) > most:
            raise too_many_items(self._most)

    def _may_be_settings(self, line: Line) -> bool:
        return _SETTINGS.match(self._data, line.start, line.end) is not None

    def _read(self, line: Line) -> Any:
        if line.end - line.start > MAX_JSON_BYTES:
            return Unreadable(_too_long())
        try:
            return _value(self._data[line.start : line.end], "it")
        except MalformedJson as error:
            return Unreadable(FieldError("", error.detail, error.code))

    @property
    def count(self) -> int:
        """The number of items."""
        return len(self._lines)

    def values(self) -> Iterator[Any]:
        """Yield each line's value, or Unreadable."""
        return (self._read(line) for line in self._lines)

    def bytes_of(self, position: int) -> int:
        """Return the bytes of a line."""
        return self._lines[position].end - self._lines[position].start

    def reported(self, position: int, fault: FieldError) -> FieldError:
        """Return an item's fault with the item's pointer, and with the line number in its text."""
        detail = f"line {self._lines[position].number}: {fault.detail}"
        return FieldError(f"/items/{position}{fault.pointer}", detail, fault.code)


class TemplateSource:
    """Items from one template job with lists of values for some of its fields."""

    place = "/template"

    def __init__(self, template: dict[str, Any], *, may_be_one: bool = False) -> None:
        """Unless it `may_be_one` item, a template has lists to multiply."""
        self._base = {name: value for name, value in template.items() if name != "multiply"}
        is_one = may_be_one and template.get("multiply") is None
        multiply = None if is_one else _multiply(template.get("multiply", {}))
        self._mode, self._axes = (multiply.mode, axes_of(multiply)) if multiply else ("product", [])
        self._multiply = multiply
        self.shared_bytes = len(to_json(self._base))
        self._names = {axis.field: axis.name for axis in self._axes}
        _check_fields(self._base, self._axes)
        try:
            self._count = count(self._axes, self._mode)
        except ValueError as error:
            raise InvalidRequest.of_field("/template/multiply", str(error)) from error

    @property
    def count(self) -> int:
        """The number of items."""
        return self._count

    def values(self) -> Iterator[Any]:
        """Yield each item, with a custom id that shows its values."""
        for made in combinations(self._axes, self._mode):
            yield {**self._base, **made.fields, "custom_id": made.custom_id}

    def bytes_of(self, _position: int) -> int:
        """Return the bytes of what all items have in common."""
        return self.shared_bytes

    def reported(self, position: int, fault: FieldError) -> FieldError:
        """Return a fault with a pointer to the source of its value: in the template, or in a list."""
        field, _, rest = fault.pointer.removeprefix("/").partition("/")
        name = self._names.get(field)
        if name is None:
            return FieldError(f"/template{fault.pointer}", fault.detail, fault.code)
        place = place_of(self._axes, self._mode, position)[name]
        inner = rest.removeprefix("0") if name == "style" else f"/{rest}" if rest else ""
        return FieldError(f"/template/multiply/{name}/{place}{inner}", fault.detail, fault.code)


def _lines(data: bytes) -> Iterator[Line]:
    number, counted = 1, 0
    for found in _LINE.finditer(data):
        number += data.count(b"\n", counted, found.start())
        counted = found.start()
        yield Line(number, *found.span())


def _value(text: bytes, subject: str = "the body") -> Any:
    """Return the value of an item, or Unreadable; raise MalformedJson."""
    try:
        return decode_json(text, subject=subject)
    except BodyTooLarge as error:
        return Unreadable(FieldError("", error.detail, error.code))
    except InvalidRequest as error:
        return Unreadable(error.errors[0])


def _too_long() -> FieldError:
    return FieldError("", f"an item may have at most {MAX_JSON_BYTES} bytes", BodyTooLarge.code)


def _multiply(raw: Any) -> Multiply:
    return validated(Multiply, raw, at="/template/multiply")


def _check_fields(base: dict[str, Any], axes: Sequence[Axis]) -> None:
    """Refuse a list for a field that the job type does not have, or that the template sets itself."""
    spec = SPECS.get(str(base.get("type")))
    faults = []
    for axis in axes:
        if axis.field in base:
            text = f"{axis.field} is given by the template and by multiply.{axis.name}"
            faults.append(FieldError(f"/template/{axis.field}", text, "invalid_value"))
        if spec is not None and axis.field not in spec.model_fields:
            text = f"a {base['type']} job has no {axis.field}"
            faults.append(FieldError(f"/template/multiply/{axis.name}", text, "unknown_field"))
    if faults:
        raise invalid(faults)
