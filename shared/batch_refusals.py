"""Why a page of items was not accepted, as the error that a client should see."""

from collections.abc import Sequence

from shared.errors import (
    AtelierError,
    BatchNotFound,
    FieldError,
    FileNotFound,
    IllegalMove,
    InvalidRequest,
)


def refusal(answer: str, rest: Sequence[str], batch_id: str, max_items: int) -> AtelierError:
    """Return the error for what the append script answered."""
    if answer == "missing":
        return _missing(rest)
    if answer == "missing batch":
        return BatchNotFound(f"there is no batch {batch_id}")
    if answer in _FAULTS:
        pointer, text = _FAULTS[answer]
        return InvalidRequest.of_field(pointer, text.format(", ".join(map(str, rest[:10])), limit=max_items))
    return IllegalMove(f"a batch that is {answer} takes no items")


_FAULTS = {
    "names": ("/items", "custom_id taken in this batch: {}"),
    "full": ("/items", "a batch may hold {limit} items at most"),
    "gap": ("/first", "the batch has {} items; the next one has that index"),
    "mismatch": ("/first", "the batch has another item at index {}"),
}


def _missing(pairs: Sequence[str]) -> FileNotFound:
    errors = [
        FieldError(f"/items/{index}", f"there is no file {name}", FileNotFound.code)
        for index, name in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    return FileNotFound("; ".join(dict.fromkeys(error.detail for error in errors[:20])), errors=errors[:100])
