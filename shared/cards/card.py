"""Model cards: what a network is, what it takes, and where its weights come from, as data."""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from shared.cards.folder import CardFault, CardFiles, CardFolder, fault_of
from shared.cards.parts import KINDS, NAME, VERSION_SIGN, Data, Kind, Latent, Picture, Range, Source
from shared.errors import CardUnusable, UnknownModel


class ModelCard(Data):
    """A network's description. The catalog holds one a name, and further versions beside it."""

    name: str = Field(pattern=f"^{NAME}$")
    kind: Kind
    version: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$")  # names a folder of the model store
    title: str
    description: str
    license: str
    homepage: str | None = None
    source: Source
    default: bool = False  # used when a job of this kind names no model
    preload: bool = False  # every worker loads it before it takes work
    max_batch: int = Field(default=1, ge=1)  # most items in one call of the network
    parameters: dict[str, Range] = Field(default_factory=dict)
    latent: Latent | None = None  # generators only
    picture: Picture | None = None  # generators only
    min_side: int = Field(default=8, ge=1)  # of a content picture, pixels
    max_side: int = Field(default=4096, ge=1)  # of a content picture, pixels
    stroke: int | None = Field(default=None, ge=64, le=4096)  # of a job without one, pixels; stylizers only
    style_side: int | None = Field(default=None, ge=1)  # a style image gets this square, pixels; stylizers
    builtin_styles: tuple[str, ...] = ()  # names of the styles that are part of the network; by number
    fast: bool = False  # takes `precision: fast`: paints with bfloat16 numbers; stylizers
    optimizes: bool = False  # paints step by step: takes `optimize`, shows previews
    prefers: str | None = None  # a model that is used in this one's place where the store holds it
    value_range: tuple[float, float] = (0.0, 1.0)  # black and white to the network; no stylizers
    scale: int = Field(default=1, ge=1, le=16)  # output side / input side; kind transform only
    multiple: int = Field(default=1, ge=1, le=1024)  # sides are padded to one, pixels; kind transform only
    _is_pinned: bool = PrivateAttr(default=False)  # asked for with its version, or one beside the current

    @property
    def reference(self) -> str:
        """How jobs, the queue and workers name it: `name`, or `name@version` where the version was named."""
        return f"{self.name}@{self.version}" if self._is_pinned else self.name

    @property
    def is_pinned(self) -> bool:
        """Whether its version was named."""
        return self._is_pinned

    def pinned(self) -> Self:
        """Return the card as jobs get it that name its version."""
        card = self.model_copy()
        card._is_pinned = True
        return card

    @property
    def is_carried(self) -> bool:
        """Whether the distribution carries or builds the weights, so that a worker pulls them by itself."""
        return self.source.type == "builtin"

    @field_validator("value_range")
    @classmethod
    def _range_rises(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not -math.inf < value[0] < value[1] < math.inf:
            raise ValueError("value_range must rise from its first number to its second")
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        needs = KINDS[self.kind].needs
        if any(getattr(self, name) is None for name in needs):
            how = "both" if len(needs) > 1 else "it"
            raise ValueError(f"{' and '.join(needs)}: a card of kind {self.kind} needs {how}")
        if self.min_side > self.max_side:
            raise ValueError("min_side must be at most max_side")
        if unknown := sorted(self.parameters.keys() - KINDS[self.kind].parameters):
            raise ValueError(f"parameters: a {self.kind} job has no parameter {', '.join(unknown)}")
        return self


class Catalog:
    """All known cards, by name: those given, and those in a folder, which is read again when it changes.

    A file of the folder that is no sound card takes nothing with it but the model that it names. A file
    `name@version.json` adds a version beside the current one, which it does not replace. A given card whose
    name the folder has taken stays there as a version.
    """

    def __init__(self, cards: Iterable[ModelCard], folder: Path | None = None) -> None:
        self._bundled = {card.name: card for card in cards}
        self._folder = None if folder is None else CardFolder(folder, self._parsed)
        self._read: tuple[CardFiles[ModelCard], Mapping[str, ModelCard]] = CardFiles(), self._bundled

    def _parsed(self, path: Path, data: bytes) -> ModelCard | CardFault:
        try:
            card = ModelCard.model_validate_json(data)
        except ValidationError as error:
            return fault_of(path, data, error)
        if VERSION_SIGN in path.stem and path.stem != card.pinned().reference:
            detail = f"a file called {path.stem} holds {card.pinned().reference}: rename it, or the card"
            return CardFault(path, path.stem, "version", detail)
        preferred = self._bundled.get(card.prefers or "")
        if card.prefers and (preferred is None or preferred.kind != card.kind):
            detail = f"prefers: no {card.kind} model named {card.prefers!r} comes with Atelier"
            return CardFault(path, path.stem if VERSION_SIGN in path.stem else card.name, "prefers", detail)
        return card.pinned() if VERSION_SIGN in path.stem else card

    def _now(self) -> tuple[Mapping[str, ModelCard], tuple[CardFault, ...]]:
        """Return the cards that are valid now, and why others are not. For many threads."""
        own, cards = self._read
        if self._folder is not None and (found := self._folder.read()) is not own:
            missing = {fault.name for fault in found.faults}
            bundled = {name: card for name, card in self._bundled.items() if name not in missing}
            own, cards = self._read = found, {**bundled, **found.cards}
        return cards, own.faults

    @property
    def faults(self) -> tuple[CardFault, ...]:
        """Why files of the folder are not used, one a file."""
        return self._now()[1]

    def __iter__(self) -> Iterator[ModelCard]:
        """Yield the current card of each name."""
        return iter([card for name, card in self._now()[0].items() if VERSION_SIGN not in name])

    def versions(self, name: str) -> tuple[ModelCard, ...]:
        """Return the cards of all versions of a model, as jobs get them that name one; the current first."""
        return self._versions(self._now()[0], name)

    def _versions(self, cards: Mapping[str, ModelCard], name: str) -> tuple[ModelCard, ...]:
        beside = sorted(key for key in cards if key.startswith(f"{name}{VERSION_SIGN}"))
        of_name = [cards.get(name), *map(cards.get, beside), self._bundled.get(name)]
        found: dict[str, ModelCard] = {}
        for card in filter(None, of_name):
            found.setdefault(card.version, card.pinned())
        return tuple(found.values())

    def every(self) -> Iterator[ModelCard]:
        """Yield the current card of each name, and the cards of all versions, as jobs get them."""
        cards = self._now()[0]
        yield from (card for name, card in cards.items() if VERSION_SIGN not in name)
        for name in dict.fromkeys([*(card.name for card in cards.values()), *self._bundled]):
            yield from self._versions(cards, name)

    def get(self, name: str, kind: Kind | None = None) -> ModelCard:
        """Return the card of a `name`, or of a `name@version`.

        Raises CardUnusable with file and field where its file is at fault, and UnknownModel with the known
        names or versions where there is none.
        """
        cards, faults = self._now()
        base, _, version = name.partition(VERSION_SIGN)
        known = self._versions(cards, base) if VERSION_SIGN in name else ()
        card = next((card for card in known if card.version == version), cards.get(name))
        if card is None:
            _raise_fault(faults, name)
        if card is None and known:
            there = ", ".join(each.version for each in known)
            text = f"the model {base} has no version {version!r}; there are: {there}"
            raise UnknownModel.of_field("/model", text)
        if card is None or (kind is not None and card.kind != kind):
            names = ", ".join(sorted(c.reference for c in cards.values() if kind in (None, c.kind)))
            wanted = f"no {kind} model" if kind else "no model"
            listed = f"known: {names}" if names else "none is known; write a card"
            raise UnknownModel.of_field("/model", f"{wanted} is named {name!r}; {listed}")
        return card

    def default(self, kind: Kind) -> ModelCard:
        """Return the card that a job of this kind gets when it names none.

        Raises CardUnusable where its file is at fault, and UnknownModel where there is none.
        """
        faults = self.faults
        of_kind = [card for card in self if card.kind == kind]
        found = next((card for card in of_kind if card.default), None)
        if found is not None:
            return found
        for card in self._bundled.values():
            if card.kind == kind and card.default:
                _raise_fault(faults, card.name)
        names = ", ".join(sorted(card.name for card in of_kind)) or "none is known; write a card"
        raise UnknownModel.of_field("/model", f"a {kind} job must name its model, one of: {names}")


def _raise_fault(faults: Iterable[CardFault], name: str) -> None:
    for fault in faults:
        if fault.name == name:
            raise CardUnusable.of_field("/model", f"the model {name} cannot be used: {fault}")


@cache
def bundled_cards() -> tuple[ModelCard, ...]:
    """The cards that the distribution carries."""
    folder = resources.files("shared") / "catalog"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(ModelCard.model_validate_json(f.read_text("utf-8")) for f in files)


def load_catalog(extra: Path | None = None) -> Catalog:
    """Return the bundled cards and those in a folder of the user's; the user's win by name."""
    return Catalog(bundled_cards(), extra)
