"""What may keep a transfer back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from shared.errors import AtelierError, OutOfDisk, StorageUnavailable
from shared.places.catalog import PlaceUnknown

_REFUSALS = ("PermissionDeniedError", "UnauthenticatedError")  # of obstore, which folders do not need


class PlaceUnavailable(AtelierError):
    """Raised when a place does not answer, refuses, or has no room; it is tried again."""

    code = "place_unavailable"
    title = "The place does not answer"
    retryable = True


def is_given_up(kind: Literal["source", "destination"], error: Exception) -> bool:
    """Whether a transfer that meets nothing but such errors for a time is given up; room is waited for.

    Results that Atelier's own storage does not give are given up, too: their batch could never end.
    """
    if not isinstance(error, AtelierError):
        return True
    at_fault = (PlaceUnavailable, PlaceUnknown)
    return isinstance(error, at_fault if kind == "source" else (*at_fault, StorageUnavailable))


class SourceTooLarge(AtelierError):
    """Raised when a source has more than a batch may have."""

    code = "source_too_large"
    title = "The source has more than a batch may have"


class SourceEnded(AtelierError):
    """Raised when a batch with a source was canceled before all of it was taken."""

    code = "batch_canceled"
    title = "The batch was canceled before all of its source was taken"


@contextmanager
def at_place(name: str) -> Iterator[None]:
    """Have what storage raises inside tell of the place, and not of Atelier's own storage."""
    try:
        yield
    except OutOfDisk as error:
        raise PlaceUnavailable(f"the place {name} has no room", inside=error.inside) from error
    except StorageUnavailable as error:
        what = "refuses" if _is_refusal(error.__cause__) else "does not answer"
        raise PlaceUnavailable(f"the place {name} {what}", inside=error.inside) from error


def _is_refusal(cause: BaseException | None) -> bool:
    """Whether a place answered, and does not let this service in."""
    is_named = isinstance(cause, PermissionError) or type(cause).__name__ in _REFUSALS
    return is_named or re.search(r"status code: 40[13]\b", str(cause)) is not None
