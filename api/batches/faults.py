"""The faults of a batch's items: the first hundred told one by one, the rest counted."""

from collections.abc import Sequence

from api.batches.sources import Source
from api.responses.problems import MAX_LISTED
from shared.errors import AtelierError, FieldError, InvalidRequest


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
