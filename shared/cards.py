"""Model cards: what a network is, what it takes, and where its weights come from, as data."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.errors import UnknownModel

Kind = Literal["generate", "stylize", "transform"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BuiltinSource(_Data):
    """Weights that the distribution carries, or builds from an installed package."""

    type: Literal["builtin"]
    builder: str  # a name in worker.models.builders


class HubSource(_Data):
    """A TensorFlow Hub handle, resolved when the model is pulled."""

    type: Literal["tfhub"]
    handle: str


class SavedModelSource(_Data):
    """A folder on this machine that holds a SavedModel of the card's call convention."""

    type: Literal["saved_model"]
    path: str


class UrlSource(_Data):
    """A .tar.gz of a SavedModel at a URL, checked against its sha256."""

    type: Literal["url"]
    url: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class TrainedSource(_Data):
    """The folder on this machine to which `atelier train` exported weights."""

    type: Literal["trained"]
    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")  # of the weights file


Source = Annotated[
    BuiltinSource | HubSource | SavedModelSource | UrlSource | TrainedSource, Field(discriminator="type")
]


class Range(_Data):
    """The closed range of a numeric parameter, and its default."""

    minimum: float
    maximum: float
    default: float


class Latent(_Data):
    """How a generator's input vector is made: `normals` N(0, 1) values, then a one-hot class."""

    normals: int = Field(ge=1)
    classes: int = Field(ge=0)

    @property
    def size(self) -> int:
        """Length of the whole vector."""
        return self.normals + self.classes


class Picture(_Data):
    """Size of a generator's output, in pixels."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    channels: Literal[1, 3]


class ModelCard(_Data):
    """A network's description. The catalog holds one a name."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    kind: Kind
    version: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
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
    stroke: int | None = Field(default=None, ge=64, le=4096)  # where a job says none, pixels; stylizers only
    style_side: int | None = None  # a style image is brought to this square, pixels; stylizers only
    builtin_styles: tuple[str, ...] = ()  # names of the styles that are part of the network; by number
    optimizes: bool = False  # paints step by step: takes `optimize`, shows previews
    prefers: str | None = None  # a model that is used in this one's place where the store holds it
    value_range: tuple[float, float] = (0.0, 1.0)  # black and white to the network; no stylizers
    scale: int = Field(default=1, ge=1, le=16)  # output side / input side; kind transform only
    multiple: int = Field(default=1, ge=1, le=1024)  # sides are padded to one, pixels; kind transform only

    @field_validator("value_range")
    @classmethod
    def _range_rises(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not -math.inf < value[0] < value[1] < math.inf:
            raise ValueError("value_range must rise from its first number to its second")
        return value


class Catalog:
    """All known cards, by name: those given, and those in a folder, which is read again when it changes."""

    def __init__(self, cards: Iterable[ModelCard], folder: Path | None = None) -> None:
        self._bundled = {card.name: card for card in cards}
        self._folder = folder
        self._seen: tuple[tuple[str, int], ...] = ()
        self._merged = self._bundled

    @property
    def _cards(self) -> Mapping[str, ModelCard]:
        """The cards as they are now. Two threads may read a changed folder at once; both read the same."""
        if self._folder is None:
            return self._merged
        files = _card_files(self._folder)
        seen = tuple((path.name, path.stat().st_mtime_ns) for path in files)
        if seen != self._seen:
            self._merged = self._bundled | {card.name: card for card in map(parse_card, files)}
            self._seen = seen
        return self._merged

    def __iter__(self) -> Iterator[ModelCard]:
        return iter(self._cards.values())

    def get(self, name: str, kind: Kind | None = None) -> ModelCard:
        """Return the card; raise UnknownModel with the known names where there is none."""
        card = self._cards.get(name)
        if card is None or (kind is not None and card.kind != kind):
            names = ", ".join(sorted(c.name for c in self._cards.values() if kind in (None, c.kind)))
            raise UnknownModel.of_field("/model", f"no {kind or ''} model is named {name!r}; known: {names}")
        return card

    def default(self, kind: Kind) -> ModelCard:
        """Return the card that a job of this kind gets when it names none; raise UnknownModel without one."""
        of_kind = [card for card in self._cards.values() if card.kind == kind]
        found = next((card for card in of_kind if card.default), None)
        if found is None:
            names = ", ".join(sorted(card.name for card in of_kind)) or "none is known; write a card"
            raise UnknownModel.of_field("/model", f"a {kind} job must name its model, one of: {names}")
        return found


def parse_card(path: Path) -> ModelCard:
    """Read one card from a JSON file."""
    return ModelCard.model_validate(json.loads(path.read_text("utf-8")))


@cache
def bundled_cards() -> tuple[ModelCard, ...]:
    """The cards that the distribution carries."""
    folder = resources.files("shared") / "catalog"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(ModelCard.model_validate_json(f.read_text("utf-8")) for f in files)


def load_catalog(extra: Path | None = None) -> Catalog:
    """Return the bundled cards and those in a folder of the user's; the user's win by name."""
    return Catalog(bundled_cards(), extra)


def _card_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []
