"""What is made of each photo: every style at every strength, by one model."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from atelier.client.request_parts import Encoding, Style
from atelier.client.requests import StylizeRequest, TransformRequest

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "gif": ".gif"}


@dataclass(frozen=True, slots=True)
class LabeledStyle:
    """A style, and what it is called in the names of files."""

    label: str
    style: Style


@dataclass(frozen=True, slots=True)
class Variation:
    """One of the pictures that are made of each photo."""

    style: LabeledStyle | None  # None: the model takes none
    strength: float | None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How pictures are made."""

    styles: tuple[LabeledStyle, ...]
    strengths: tuple[float | None, ...] = (None,)
    model: str | None = None
    max_side: int | None = None
    preserve_color: bool = False
    output: Encoding = field(default_factory=Encoding)

    @property
    def variations(self) -> tuple[Variation, ...]:
        """The pictures that are made of each photo, in order."""
        styles = self.styles or (None,)
        return tuple(Variation(style, strength) for style in styles for strength in self.strengths)

    @property
    def suffix(self) -> str:
        """The ending of the pictures' names."""
        return SUFFIXES[self.output.format]

    def body(self, variation: Variation, content: str) -> dict[str, Any]:
        """Return the item that asks for one picture of the file `content`."""
        common: dict[str, Any] = {
            "content": content,
            "model": self.model,
            "max_side": self.max_side,
            "output": self.output,
        }
        if variation.style is None:
            request = TransformRequest(**common).to_json()
        else:
            look: dict[str, Any] = {"strength": variation.strength, "preserve_color": self.preserve_color}
            request = StylizeRequest(**common, **look, styles=[variation.style.style]).to_json()
        return {name: value for name, value in request.items() if name != "lane"}

    def told(self) -> Iterator[tuple[str, str]]:
        """Yield the options and their values, as text: two recipes that tell the same are the same."""
        for entry in self.styles:
            known = entry.style
            value = known.image or known.name or known.number
            yield "style", f"{entry.label} ({value})" if known.image else str(value)
        for strength in self.strengths:
            if strength is not None:
                yield "strength", f"{strength:g}"
        yield "model", self.model or "the service's own"
        yield "max-side", str(self.max_side or "the photo's")
        yield "preserve-color", "yes" if self.preserve_color else "no"
        yield "format", f"{self.output.format}, quality {self.output.quality}"


def digest_of(body: Mapping[str, Any]) -> str:
    """Return a digest of all that a picture depends on."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
