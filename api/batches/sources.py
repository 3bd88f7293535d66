"""The shapes in which items come: a JSON array, JSON lines, a template. Each says where a fault lies."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic_core import from_json

from api.batches.json_array import Span
from api.requests.body import decode_json, without_mark
from api.requests.field_errors import invalid, validated
from api.responses.problems import MAX_LISTED
from shared.batches.request import Multiply
from shared.batches.template import Axis, axes_of, combinations, count, place_of
from shared.errors import AtelierError, FieldError, InvalidRequest
from shared.specs.spec import SPECS

_SETTINGS = re.compile(rb'\s*\{\s*"batch"\s*:')


@dataclass(frozen=True, slots=True)
class Malformed:
    """An item that is no JSON at all."""

    detail: str


class Source(Protocol):
    """Items as they were sent."""

    @property
    def count(self) -> int:
        """How many items there are."""

    def values(self) -> Iterator[Any]:
        """Yield each item as a JSON value, or Malformed."""

    def told(self, position: int, fault: FieldError) -> FieldError:
        """Return an item's fault as one of the request's."""


class ArraySource:
    """Items of a JSON array."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    @property
    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def values(self) -> Iterator[Any]:
        """Yield each item."""
        return iter(self._items)

    def told(self, position: int, fault: FieldError) -> FieldError:
        """Return an item's fault with the item's place before its own."""
        return FieldError(f"/items/{position}{fault.pointer}", fault.detail, fault.code)


class SpanSource(ArraySource):
    """Items of a JSON array, each read when its turn comes."""

    def __init__(self, data: bytes, spans: Sequence[Span]) -> None:
        super().__init__(spans)
        self._data = data

    def values(self) -> Iterator[Any]:
        """Yield each item; raise MalformedJson."""
        return (decode_json(self._data[start:end]) for start, end in self._items)


class LineSource:
    """Items of a text with one JSON object a line. Blank lines count as lines and are no items."""

    def __init__(self, data: bytes) -> None:
        lines = enumerate(without_mark(data).split(b"\n"), 1)
        self._lines = [(number, line) for number, line in lines if line.strip()]

    def take_settings(self) -> list[Any]:
        """Return what the first and the last line hold where they are the batch's settings, and no items."""
        places = {0, len(self._lines) - 1} if self._lines else set()
        found = {at: _read(line) for at in places if _SETTINGS.match(line := self._lines[at][1])}
        settings = {at: value for at, value in found.items() if not isinstance(value, Malformed)}
        self._lines = [line for at, line in enumerate(self._lines) if at not in settings]
        return list(settings.values())

    @property
    def count(self) -> int:
        """How many items there are."""
        return len(self._lines)

    def values(self) -> Iterator[Any]:
        """Yield each line's value, or Malformed."""
        return (_read(line) for _, line in self._lines)

    def told(self, position: int, fault: FieldError) -> FieldError:
        """Return an item's fault with its place among the items, and with its line in words."""
        detail = f"line {self._lines[position][0]}: {fault.detail}"
        return FieldError(f"/items/{position}{fault.pointer}", detail, fault.code)


class TemplateSource:
    """Items that one job makes by lists of values for some of its fields."""

    def __init__(self, template: dict[str, Any]) -> None:
        self._base = {name: value for name, value in template.items() if name != "multiply"}
        multiply = _multiply(template.get("multiply", {}))
        self._mode, self._axes = multiply.mode, axes_of(multiply)
        self._names = {axis.field: axis.name for axis in self._axes}
        _check_fields(self._base, self._axes)
        try:
            self._count = count(self._axes, self._mode)
        except ValueError as error:
            raise InvalidRequest.of_field("/template/multiply", str(error)) from error

    @property
    def count(self) -> int:
        """How many items there are."""
        return self._count

    def values(self) -> Iterator[Any]:
        """Yield each item, under the custom id that tells its values."""
        for made in combinations(self._axes, self._mode):
            yield {**self._base, **made.fields, "custom_id": made.custom_id}

    def told(self, position: int, fault: FieldError) -> FieldError:
        """Return a fault with the place in the template, or in the list, that its value came from."""
        field, _, rest = fault.pointer.removeprefix("/").partition("/")
        name = self._names.get(field)
        if name is None:
            return FieldError(f"/template{fault.pointer}", fault.detail, fault.code)
        place = place_of(self._axes, self._mode, position)[name]
        inner = rest.removeprefix("0") if name == "style" else f"/{rest}" if rest else ""
        return FieldError(f"/template/multiply/{name}/{place}{inner}", fault.detail, fault.code)


class Faults:
    """What is wrong with the items of one request. Equal faults, as a template gives, are told once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._told: dict[FieldError, type[AtelierError]] = {}
        self._items: set[int] = set()

    @property
    def full(self) -> bool:
        """Whether no further fault will be told, so that finding out more than that there is one is idle."""
        return len(self._told) >= MAX_LISTED

    def __contains__(self, position: int) -> bool:
        return position in self._items

    def add(self, position: int, faults: Sequence[FieldError], kind: type[AtelierError]) -> None:
        """Note an item's faults; with none, that it has some."""
        self._items.add(position)
        for fault in faults:
            if not self.full:
                self._told.setdefault(self._source.told(position, fault), kind)

    def note(self, position: int, error: AtelierError) -> None:
        """Note an item's error."""
        self.add(position, error.errors or [FieldError("", error.detail, error.code)], type(error))

    def raise_any(self) -> None:
        """Raise one error for all faults; of their class where they share it, else InvalidRequest."""
        if not self._items:
            return
        kinds = set(self._told.values())
        kind = kinds.pop() if len(kinds) == 1 else InvalidRequest
        raise kind(self._sentence(), errors=list(self._told))

    def _sentence(self) -> str:
        items = f"{len(self._items)} of {self._source.count} items are at fault, so none was accepted"
        return f"{items}; the first {MAX_LISTED} faults are listed" if self.full else items


def _read(line: bytes) -> Any:
    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError as error:
        return Malformed(f"it is not JSON: {error}")


def _multiply(raw: Any) -> Multiply:
    return validated(Multiply, raw, at="/template/multiply")


def _check_fields(base: dict[str, Any], axes: Sequence[Axis]) -> None:
    """Refuse a list for a field that the type does not have, or that the template gives itself."""
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
