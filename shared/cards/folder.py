"""The folder of a user's own cards: read again when it changes; what is wrong with a file is told, once."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from shared.cards.faults import CardFault, fault_of
from shared.small_file import read_small

log = logging.getLogger("atelier.cards")


class Named(Protocol):
    """What a file of the folder describes."""

    @property
    def name(self) -> str:
        """The model's name."""


Card = TypeVar("Card", bound=Named)
Parse = Callable[[Path, bytes], Card | CardFault]  # of a file's path and content


@dataclass(frozen=True, slots=True)
class CardFiles(Generic[Card]):
    """What the folder holds."""

    cards: Mapping[str, Card] = field(default_factory=dict)  # by name
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
        _tell_changes(known.faults, found.faults)
        self._read = state, found
        return found

    def _files(self, paths: Iterable[Path], trouble: tuple[CardFault, ...]) -> CardFiles[Card]:
        found: dict[str, tuple[Path, Card]] = {}
        faults = [*trouble]
        for path, card in sorted(((path, self._card(path)) for path in paths), key=_turn):
            if isinstance(card, CardFault):
                faults.append(card)
            elif card.name in found:
                used = found[card.name][0].name
                detail = f"name: {used} has the name {card.name} too, and is used; choose another name"
                faults.append(CardFault(path, card.name, "name", detail))
            else:
                found[card.name] = path, card
        return CardFiles({name: card for name, (_, card) in found.items()}, tuple(faults))

    def _card(self, path: Path) -> Card | CardFault:
        try:
            data = read_small(path)
        except OSError as error:
            return fault_of(path, b"", error)
        return self._parse(path, data)


def _turn(entry: tuple[Path, Named]) -> tuple[bool, Path]:
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


def _tell_changes(before: tuple[CardFault, ...], after: tuple[CardFault, ...]) -> None:
    for fault in after:
        if fault not in before:
            where = {"path": str(fault.path), "model": fault.name, "field": fault.field}
            log.warning("model card is not used", extra={**where, "detail": fault.detail})
    still = {fault.path for fault in after}
    for fault in before:
        if fault.path not in still:
            log.info("model card is no longer at fault", extra={"path": str(fault.path)})
