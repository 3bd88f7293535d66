"""The folder of a user's own cards: read again when it changes; what is wrong with a file is logged once."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.cards.parts import NAME, VERSION_SIGN
from shared.messages import requirement
from shared.small_file import read_small

log = logging.getLogger("atelier.cards")

_NAMED = re.compile(rb'"name"\s*:\s*"(' + NAME.encode() + rb')"')  # found in a torn file as well
_TAGGED = "source"  # the one field that is a union: its tag comes second in Pydantic's locations


@dataclass(frozen=True, slots=True)
class CardFault:
    """Why a file of the cards folder is not used."""

    path: Path
    name: str  # the model that the file is a card of; the file's name where it has none
    field: str  # the first that is wrong, "source.path"; "" for the file as a whole
    detail: str  # names every field that is wrong

    @property
    def reference(self) -> str:
        """The model that the file is a card of, as `name` has it."""
        return self.name

    def __str__(self) -> str:
        """Return the whole sentence."""
        return f"{self.path}: {self.detail}"


class Named(Protocol):
    """What a file of the folder describes."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def reference(self) -> str:
        """The same, with the version where the file is of one beside the current."""


Card = TypeVar("Card", bound=Named)
Parse = Callable[[Path, bytes], Card | CardFault]  # of a file's path and content


@dataclass(frozen=True, slots=True)
class CardFiles(Generic[Card]):
    """What the folder holds."""

    cards: Mapping[str, Card] = field(default_factory=dict)  # by reference
    faults: tuple[CardFault, ...] = ()


class CardFolder(Generic[Card]):
    """The *.json files of a folder, which need not exist. Any number of threads may read."""

    def __init__(self, folder: Path, parse: Parse[Card]) -> None:
        self._folder = folder
        self._parse = parse
        self._read: tuple[object, CardFiles[Card]] = (), CardFiles()

    def read(self) -> CardFiles[Card]:
        """Return what the folder holds now: the same object as before where nothing has changed."""
        paths, trouble = _listed(self._folder)
        state = trouble, tuple((path, _mark(path)) for path in paths)
        known_state, known = self._read
        if state == known_state:
            return known
        found = self._files(paths, trouble)
        _log_changes(known.faults, found.faults)
        self._read = state, found
        return found

    def _files(self, paths: Iterable[Path], trouble: tuple[CardFault, ...]) -> CardFiles[Card]:
        found: dict[str, tuple[Path, Card]] = {}
        faults = [*trouble]
        for path, card in sorted(((path, self._card(path)) for path in paths), key=_order):
            if isinstance(card, CardFault):
                faults.append(card)
            elif card.reference in found:
                used = found[card.reference][0].name
                detail = f"name: {used} has the name {card.name} too, and is used; choose another name"
                faults.append(CardFault(path, card.name, "name", detail))
            else:
                found[card.reference] = path, card
        return CardFiles({name: card for name, (_, card) in found.items()}, tuple(faults))

    def _card(self, path: Path) -> Card | CardFault:
        try:
            data = read_small(path)
        except OSError as error:
            return fault_of(path, b"", error)
        return self._parse(path, data)


def _order(entry: tuple[Path, Named]) -> tuple[bool, Path]:
    """Of several cards of one name, the file that has the model's name is used, else the first."""
    path, card = entry
    return path.stem != card.name, path


def _listed(folder: Path) -> tuple[list[Path], tuple[CardFault, ...]]:
    """Return the files that should be cards, or why the folder cannot be looked through."""
    try:
        return [path for path in folder.iterdir() if path.suffix == ".json"], ()
    except FileNotFoundError:
        return [], ()
    except OSError as error:
        detail = f"the folder of cards cannot be read: {error.strerror}"
        return [], (CardFault(folder, "", "", detail),)


def _mark(path: Path) -> tuple[int, ...]:
    """Return what differs after a change of a file; nothing where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _log_changes(before: tuple[CardFault, ...], after: tuple[CardFault, ...]) -> None:
    for fault in after:
        if fault not in before:
            where = {"path": str(fault.path), "model": fault.name, "field": fault.field}
            log.warning("model card is not used", extra={**where, "detail": fault.detail})
    still = {fault.path for fault in after}
    for fault in before:
        if fault.path not in still:
            log.info("model card is no longer at fault", extra={"path": str(fault.path)})


def fault_of(path: Path, data: bytes, error: OSError | ValidationError) -> CardFault:
    """Return the fault of a file that cannot be read, or whose bytes are no card."""
    named = None if VERSION_SIGN in path.stem else _NAMED.search(data)  # of the others the file's name counts
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
