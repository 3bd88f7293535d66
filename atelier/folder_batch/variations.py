"""What is made of each photo: every style at every strength, by one model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from atelier.client.request_parts import Encoding, Format, Style
from atelier.client.requests import StylizeRequest, TransformRequest

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "gif": ".gif"}


# A picture has its photo's own format where the service writes that; a phone's photo becomes a jpeg, which is
# about as small; otherwise png, which loses nothing.
OWN_FORMATS: dict[str, Format] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".heic", ".heif", ".hif", ".avif"), "jpeg"),
    ".webp": "webp",
    ".gif": "gif",
}


@dataclass(frozen=True, slots=True)
class StyleMix:
    """One style, or several that are mixed, and the label in the names of files."""

    label: str
    styles: tuple[Style, ...]


@dataclass(frozen=True, slots=True)
class Variation:
    """One of the pictures that are made of each photo."""

    style: StyleMix | None  # None: the model takes none
    strength: float | None


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How pictures are made."""

    styles: tuple[StyleMix, ...]
    strengths: tuple[float | None, ...] = (None,)
    model: str | None = None
    max_side: int | None = None
    look: Mapping[str, Any] = field(default_factory=dict)  # further fields of a StylizeRequest
    format: Format | None = None  # None: the photo's own
    quality: int = 90
    profile: Literal["srgb", "keep"] | None = None  # the colors of the pictures; None: sRGB
    metadata: Literal["none", "safe", "all"] | None = None  # taken over from the photo; None: none
    recipe: bool | None = None  # whether pictures hold how they were made; None: as the service is set
    enlarge: Literal[2, 3, 4] | None = None

    @property
    def variations(self) -> tuple[Variation, ...]:
        """The pictures that are made of each photo, in order."""
        styles = self.styles or (None,)
        return tuple(Variation(style, strength) for style in styles for strength in self.strengths)

    def format_of(self, photo: str) -> Format:
        """Return the format of the pictures of a photo of this name."""
        return self.format or OWN_FORMATS.get(PurePosixPath(photo).suffix.lower(), "png")

    def body(self, variation: Variation, content: str, photo: str) -> dict[str, Any]:
        """Return the item that asks for one picture of the file `content`, which `photo` is the name of."""
        common: dict[str, Any] = {
            "content": content,
            "model": self.model,
            "max_side": self.max_side,
            "output": Encoding(
                format=self.format_of(photo),
                quality=self.quality,
                profile=self.profile,
                metadata=self.metadata,
                recipe=self.recipe,
                enlarge=self.enlarge,
            ),
        }
        if variation.style is None:
            request = TransformRequest(**common).to_json()
        else:
            look: dict[str, Any] = {**self.look, "strength": variation.strength}
            asked = StylizeRequest(**common, **look, styles=variation.style.styles).to_json()
            # Always given, so that pictures from before strokes had a default are not taken for the same.
            request = {"stroke": None, **asked}
        return {name: value for name, value in request.items() if name != "lane"}


def digest_of(body: Mapping[str, Any]) -> str:
    """Return a digest of all that a picture depends on."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
