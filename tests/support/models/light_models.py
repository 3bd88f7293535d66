"""Stand-ins for networks: they return within a millisecond and without TensorFlow, and can be held back.

For tests of everything around the networks. `install` puts them into a worker's process before it starts.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.cards.card import ModelCard, bundled_cards
from tests.support.models.generator_cards import generator_card
from tests.support.models.model_cards import transform_card

OnStep = Callable[[int, int], None]
Run = Callable[[Callable[[], None]], Any]
HOLD_VARIABLE = (
    "LIGHT_MODELS_HOLD"  # names a file: calls of networks that begin while it exists return when it is gone
)
GENERATOR, TRANSFORMER = "blocks", "changer"
LATENT_SIZE, SIDE = 16, 8


def _answer() -> None:
    hold = os.environ.get(HOLD_VARIABLE)
    written = _written(hold)
    while written and _written(hold) == written:  # another file of that name holds later calls alone
        time.sleep(0.005)


def _written(hold: str | None) -> int:
    try:
        return Path(hold).stat().st_mtime_ns if hold else 0
    except FileNotFoundError:
        return 0


class LightGenerator:
    """Draws pixels that depend on the latent alone."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self.digest = "a" * 64

    def warm_up(self) -> None:
        """There is nothing to warm."""

    def generate(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return pictures (n, 8, 8, 3) for latents (n, 16)."""
        _answer()
        cells = np.tile(latents.reshape(-1, 4, 4, 1), (1, SIDE // 4, SIDE // 4, 3))
        return np.rint(np.clip(cells * 40 + 128, 0, 255)).astype(np.uint8)


class LightTransformer:
    """Turns a picture into its negative."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self.digest = "b" * 64

    def warm_up(self) -> None:
        """There is nothing to warm."""

    def apply(self, content: NDArray[np.uint8], on_step: OnStep, run: Run) -> NDArray[np.uint8]:
        """Return the negative of a picture (h, w, 3)."""
        run(_answer)
        on_step(1, 1)
        return 255 - content


def light_cards(folder: Path) -> list[ModelCard]:
    """Return the stand-ins' cards, every worker's own; and the bundled ones, which no worker needs now."""
    own = {"default": True, "preload": True}
    lights = [
        generator_card(folder, name=GENERATOR, normals=LATENT_SIZE, side=SIDE, **own),
        transform_card(folder, name=TRANSFORMER, **own),
    ]
    others = [card.model_copy(update=dict.fromkeys(own, False)) for card in bundled_cards()]
    return lights + others


def write_cards(folder: Path) -> None:
    """Write the cards where an installation looks for its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for card in light_cards(folder):
        (folder / f"{card.name}.json").write_text(card.model_dump_json(), "utf-8")


def install() -> None:
    """Make this process's worker load stand-ins, and leave TensorFlow alone."""
    import worker.models.registry
    import worker.process.model_worker
    from worker.models.numerics import Numerics

    def load(card: ModelCard, _: Any) -> LightGenerator | LightTransformer:
        return LightTransformer(card) if card.kind == "transform" else LightGenerator(card)

    vars(worker.models.registry)["load_model"] = load
    vars(worker.process.model_worker)["configure_tensorflow"] = lambda *_, **__: None
    vars(worker.process.model_worker)["own_numerics"] = lambda: Numerics("light")
