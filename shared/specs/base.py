"""What every kind of job has: the fields that all may give, and what the service asks of a kind."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Self

from pydantic import Field

from shared.cards.card import ModelCard
from shared.errors import FieldError
from shared.specs.parts import (
    MAX_SEED,
    DeadlineSeconds,
    Lane,
    Metadata,
    Output,
    Part,
    PictureSize,
    TtlSeconds,
)
from shared.specs.webhook import Webhook

WRITTEN = 0.1  # what a pixel of the result costs beside one that the network makes: decoded, resized, encoded

DrawSeed = Callable[[int], int]  # a number of seeds to the first of them


def random_seed(count: int) -> int:
    """Return the first of `count` seeds, none above MAX_SEED."""
    return secrets.randbelow(MAX_SEED - count)


class JobSpec(Part):
    """A job as the client asks for it. A subclass for each kind adds its fields and `type`, its name.

    What a method here does by itself holds for a kind without content, styles or seeds.
    """

    if TYPE_CHECKING:
        type: str  # subclasses declare it: in JSON it comes after the fields that all kinds have

    model: str | None = Field(default=None, description="A model's name; null takes the default of the type.")
    output: Output = Output()
    lane: Lane = Lane.INTERACTIVE
    ttl_seconds: TtlSeconds | None = Field(
        default=None,
        description="How long the job is kept after it is done, in seconds.",
    )
    deadline_seconds: DeadlineSeconds | None = Field(
        default=None,
        description="Expires, queued or running, when it is not done this long after it was accepted.",
    )
    cache: bool = Field(
        default=False,
        description="Take over the result of an equal job that said so too, or share the work with it.",
    )
    webhook: Webhook | None = Field(default=None, description="The address that is told how the job goes.")
    metadata: Metadata = Field(
        default_factory=dict, description="Up to 16 pairs that come back with the job."
    )

    def range_faults(self, card: ModelCard) -> Iterator[FieldError]:
        """Yield a fault for every value that the card does not allow."""
        yield from ()

    def filled(self, card: ModelCard, draw_seed: DrawSeed = random_seed) -> Self:
        """Return an allowed specification with model, defaults and seeds filled in."""
        return self.model_copy(update={"model": card.name})

    def file_fields(self) -> Iterator[tuple[str, str]]:
        """Yield the pointer and the id of every file that the job reads."""
        yield from ()

    @property
    def inputs(self) -> list[str]:
        """Ids of all files that the job reads, each once, in order."""
        return list(dict.fromkeys(file for _, file in self.file_fields()))

    @property
    def named_styles(self) -> frozenset[str]:
        """Names of stored styles whose pictures are not filled in."""
        return frozenset()

    def with_style_files(self, files: Mapping[str, str | None]) -> tuple[Self, list[FieldError]]:
        """Return the specification with the pictures of named styles, and a fault for each unknown name."""
        return self, []

    def work_units(self, card: ModelCard, content: PictureSize | None) -> float:
        """Return how much work a resolved job is, in pixels that the network makes; 0.0 where not known."""
        return 0.0

    @property
    def is_light(self) -> bool:
        """Whether one call of the network can do several such jobs of a batch."""
        return False
