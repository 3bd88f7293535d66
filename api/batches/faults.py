"""The faults of the items of one request, told together."""

from collections.abc import Sequence

from api.batches.sources import Source
from api.responses.problems import MAX_LISTED
from shared.errors import AtelierError, FieldError, InvalidRequest


class Faults:
    """The faults of the items of one request. Equal faults, common in templates, are reported once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reported: dict[FieldError, type[AtelierError]] = {}
        self._items: set[int] = set()

    @property
    def full(self) -> bool:
        """Whether no more faults are reported, so that the details of a further fault are not needed."""
        return len(self._reported) >= MAX_LISTED

    def __contains__(self, position: int) -> bool:
        return position in self._items

    def add(self, position: int, faults: Sequence[FieldError], kind: type[AtelierError]) -> None:
        """Record an item's faults; an empty sequence only marks the item as faulty."""
        self._items.add(position)
        for fault in faults:
            if not self.full:
                self._reported.setdefault(self._source.reported(position, fault), kind)

    def note(self, position: int, error: AtelierError) -> None:
        """Record an item's error."""
        self.add(position, error.errors or [FieldError("", error.detail, error.code)], type(error))

    @property
    def count(self) -> int:
        """How many items are at fault."""
        return len(self._items)

    def raise_any(self) -> None:
        """Raise one error for all faults: of their common class, or InvalidRequest if they have several."""
        if not self._items:
            return
        kinds = set(self._reported.values())
        kind = kinds.pop() if len(kinds) == 1 else InvalidRequest
        raise kind(self._sentence(), errors=list(self._reported))

    def _sentence(self) -> str:
        items = f"{len(self._items)} of {self._source.count} items are at fault, so none was accepted"
        return f"{items}; the first {MAX_LISTED} faults are listed" if self.full else items
