"""What is wrong with a file of the cards folder: file, field, and the model that is missing for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.messages.requirements import requirement

NAME = r"[a-z0-9][a-z0-9-]{0,63}"  # of a model
_NAMED = re.compile(rb'"name"\s*:\s*"(' + NAME.encode() + rb')"')  # found in a torn file as well
_TAGGED = "source"  # the one field that is a union: its tag stands second in Pydantic's locations


@dataclass(frozen=True, slots=True)
class CardFault:
    """Why a file of the cards folder is not used."""

    path: Path
    name: str  # the model that the file is a card of; the file's name where it does not say
    field: str  # the first that is wrong, "source.path"; "" for the file as a whole
    detail: str  # names every field that is wrong

    def __str__(self) -> str:
        """Return the whole sentence."""
        return f"{self.path}: {self.detail}"


def fault_of(path: Path, data: bytes, error: OSError | ValidationError) -> CardFault:
    """Return the fault of a file that cannot be read, or whose bytes are no card."""
    named = _NAMED.search(data)
    name = named[1].decode() if named else path.stem
    if isinstance(error, OSError):
        return CardFault(path, name, "", f"the file cannot be read: {error.strerror or error}")
    details = error.errors(include_url=False)
    return CardFault(
        path, name, _field(details[0]["loc"]), "; ".join(_sentence(detail) for detail in details)
    )


def _field(location: Sequence[int | str]) -> str:
    inner = location[2:] if location[:1] == (_TAGGED,) else location[1:]
    return ".".join(str(part) for part in (*location[:1], *inner))


def _sentence(detail: ErrorDetails) -> str:
    field, message = _field(detail["loc"]), detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        return f"{field} is not a field of a card"
    if detail["type"] != "value_error":
        return f"{field or 'the card'} {requirement(detail)}"
    return message if not field or field in message else f"{field}: {message[:1].lower()}{message[1:]}"
