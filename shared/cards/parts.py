"""The parts of a model card: its kind, where its weights come from, its ranges and sizes."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticKnownError

NAME = r"[a-z0-9][a-z0-9-]{0,63}"  # of a model
VERSION_SIGN = "@"  # before the version, where a model is named with it


@dataclass(frozen=True, slots=True)
class CardRules:
    """What a card of one kind may and must say."""

    parameters: frozenset[str] = frozenset()  # whose range and default it may give
    needs: tuple[str, ...] = ()  # fields that it must have


# The kinds of models, and of the jobs that name them.
KINDS: dict[str, CardRules] = {
    "generate": CardRules(frozenset({"count", "truncation"}), needs=("latent", "picture")),
    "stylize": CardRules(frozenset({"strength"})),
    "transform": CardRules(),
}


def _known_kind(name: object) -> str:
    if not isinstance(name, str) or name not in KINDS:
        *others, last = (repr(kind) for kind in KINDS)
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})
    return name


Kind = Annotated[str, PlainValidator(_known_kind), WithJsonSchema({"enum": list(KINDS), "type": "string"})]


class Data(BaseModel):
    """A piece of a card: frozen, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BuiltinSource(Data):
    """Weights that the distribution carries, or builds from an installed package."""

    type: Literal["builtin"]
    builder: str  # a name in worker.models.builders


class HubSource(Data):
    """A TensorFlow Hub handle, resolved when the model is pulled."""

    type: Literal["tfhub"]
    handle: str


class SavedModelSource(Data):
    """A folder on this machine that holds a SavedModel of the card's call convention."""

    type: Literal["saved_model"]
    path: str

    @property
    def folder(self) -> Path:
        """The folder; `~` is this user's home."""
        path = Path(self.path)
        return path.expanduser() if path.parts[:1] == ("~",) else path


class UrlSource(Data):
    """A .tar.gz of a SavedModel at a URL, checked against its sha256."""

    type: Literal["url"]
    url: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class TrainedSource(Data):
    """The folder on this machine to which `atelier train` exported weights."""

    type: Literal["trained"]
    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")  # of the weights file


Source = Annotated[
    BuiltinSource | HubSource | SavedModelSource | UrlSource | TrainedSource, Field(discriminator="type")
]


class Range(Data):
    """The closed range of a numeric parameter, and its default."""

    minimum: float
    maximum: float
    default: float

    @model_validator(mode="after")
    def _holds_its_default(self) -> Self:
        if not -math.inf < self.minimum <= self.maximum < math.inf:
            raise ValueError("minimum must be at most maximum, and both finite")
        if not self.minimum <= self.default <= self.maximum:
            raise ValueError("default must be between minimum and maximum")
        return self


class Latent(Data):
    """How a generator's input vector is made: `normals` N(0, 1) values, then a one-hot class."""

    normals: int = Field(ge=1)
    classes: int = Field(ge=0)

    @property
    def size(self) -> int:
        """Length of the whole vector."""
        return self.normals + self.classes


class Picture(Data):
    """Size of a generator's output, in pixels."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    channels: Literal[1, 3]


def name_of(reference: str) -> str:
    """Return the name of a model from `name` or `name@version`."""
    return reference.partition(VERSION_SIGN)[0]
