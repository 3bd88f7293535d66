"""The settings of a stylizer's training, and what a step measures. Imports no TensorFlow."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.cards.card import bundled_cards
from worker.training.config import RunConfig, check

SIZES = range(64, 1025, 4)  # pixels
WIDTHS = range(4, 65, 4)  # channels
NO_LICENSE = "not stated"
FEATURES = {"mobilenet": "nst-gatys", "vgg19": "nst-gatys-vgg19"}  # models whose features are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class StylizerConfig(RunConfig):
    """One run of a network for one style."""

    style: Path  # the picture in whose manner it paints
    photos: Path  # folder of the photos on which it learns
    steps: int = 10_000
    batch_size: int = 4
    size: int = 256  # side of the squares that are cut out of photos, pixels
    style_size: int | None = None  # longest side of the style picture, pixels; None: twice `size`
    width: int = 16  # channels of the first layer; the middle ones have four times as many
    features: str = "mobilenet"  # a key of FEATURES
    content_weight: float = 1.0
    style_weight: float = 1.0
    tv_weight: float = 1.0  # of the variation between neighboring pixels
    rate: float = 2e-3  # Adam's learning rate before it falls

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)  # slots take away `super()`
        check("size", self.size in SIZES, f"a multiple of 4 from {SIZES[0]} to {SIZES[-1]}")
        check("style_size", 64 <= self.style_side <= 4096, "from 64 to 4096")
        check("width", self.width in WIDTHS, f"a multiple of 4 from {WIDTHS[0]} to {WIDTHS[-1]}")
        check("features", self.features in FEATURES, f"one of {', '.join(FEATURES)}")
        for name in ("content_weight", "style_weight", "tv_weight"):
            check(name, 0 <= getattr(self, name) < math.inf, "a number, at least 0")
        check("style_weight", self.style_weight > 0, "more than 0: without it no style is learned")

    @property
    def style_side(self) -> int:
        """The longest side that the style picture is brought to, pixels."""
        return self.style_size or 2 * self.size

    def hyperparameters(self) -> dict[str, Any]:
        """Return what the weights depend on besides the pictures; a run is resumed only with the same."""
        names = ("size", "width", "features", "content_weight", "style_weight", "tv_weight", "rate")
        own = {name: getattr(self, name) for name in names}
        return {**RunConfig.hyperparameters(self), **own, "style_size": self.style_side}


@dataclass(frozen=True, slots=True)
class PaintingLosses:
    """The measurements of one step, before its update; each is a mean over the batch."""

    total: float  # weighted
    style: float  # distance of the Gram matrices from the style's, relative to their size
    content: float  # distance of the activations from the photo's, in units of their variance
    variation: float  # mean squared difference of neighboring pixels

    def metrics(self) -> dict[str, float]:
        """Return the losses, by name."""
        return {f"{name}_loss": value for name, value in asdict(self).items()}

    def __str__(self) -> str:
        """Return the losses as a line of progress has them."""
        return f"loss {self.total:.3f}  style {self.style:.3f}  content {self.content:.3f}"


def check_name(name: str) -> None:
    """Raise InvalidRequest for the name of a model that comes with Atelier, which takes other styles."""
    is_free = all(card.name != name for card in bundled_cards())
    check("name", is_free, f"another than {name}: a model of this name comes with Atelier")
