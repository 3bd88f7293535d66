"""A worker as it is, whose models take their time and no processor: what is left is the queue and the way.

`python -m bench.cluster.simulated_worker` serves the lanes as `python -m worker` does. `digits` draws up to
16 small pictures in one call of DIGITS_SECONDS; `photos` turns one photo into its negative in PHOTO_SECONDS.
Both are real jobs: claimed, decoded, encoded and stored as all others are.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.cards.card import ModelCard, bundled_cards
from shared.cards.parts import Latent, Picture, Range, SavedModelSource

DIGITS, PHOTOS = "digits", "photos"
DIGITS_SECONDS = "DIGITS_SECONDS"  # variables of the environment
PHOTO_SECONDS = "PHOTO_SECONDS"
DONE_FILE = "DONE_FILE"  # names a file that gets a byte for each job that succeeded here
SIDE = 28  # of a digit

OnStep = Callable[[int, int], None]
Run = Callable[[Callable[[], None]], Any]


class Digits:
    """Draws what a latent says, late."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self.digest = "d" * 64
        self._seconds = float(os.environ[DIGITS_SECONDS])

    def warm_up(self) -> None:
        """There is nothing to warm."""

    def generate(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return a picture (28, 28, 1) for each latent."""
        time.sleep(self._seconds)
        shades = (127 + 30 * latents[:, :1]).clip(0, 255).astype(np.uint8)
        return np.broadcast_to(shades[:, :, None, None], (len(latents), SIDE, SIDE, 1)).copy()


class Photos:
    """Turns a photo into its negative, late."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self.digest = "f" * 64
        self._seconds = float(os.environ[PHOTO_SECONDS])

    def warm_up(self) -> None:
        """There is nothing to warm."""

    def apply(self, content: NDArray[np.uint8], on_step: OnStep, run: Run) -> NDArray[np.uint8]:
        """Return the negative of a picture (h, w, 3)."""
        run(lambda: time.sleep(self._seconds))
        on_step(1, 1)
        return 255 - content


def _cards(folder: Path) -> list[ModelCard]:
    common: dict[str, Any] = {
        "version": "1",
        "description": "It takes its time, and no processor.",
        "license": "Apache-2.0",
        "source": SavedModelSource(type="saved_model", path=str(folder)),
        "default": True,
        "preload": True,
    }
    digits = ModelCard(
        name=DIGITS,
        kind="generate",
        title="Simulated digits",
        max_batch=16,
        parameters={"count": Range(minimum=1, maximum=16, default=1)},
        latent=Latent(normals=16, classes=0),
        picture=Picture(width=SIDE, height=SIDE, channels=1),
        **common,
    )
    photos = ModelCard(name=PHOTOS, kind="transform", title="Simulated photos", **common)
    own = {"default": False, "preload": False}
    return [digits, photos, *(card.model_copy(update=own) for card in bundled_cards())]


def write_cards(folder: Path) -> Path:
    """Write the cards where ATELIER_CARDS_DIR may point; return the folder."""
    folder.mkdir()
    for card in _cards(folder):
        (folder / f"{card.name}.json").write_text(card.model_dump_json(), "utf-8")
    return folder


def _install() -> None:
    """Have this process's worker load the simulated models, and leave TensorFlow alone."""
    import worker.models.registry
    import worker.process.model_worker
    from worker.models.numerics import Numerics
    from worker.runner import JobRunner

    succeed, done = JobRunner._succeed, os.open(os.environ[DONE_FILE], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def noted(*given: Any) -> Any:
        jobs = succeed(*given)
        os.write(done, b".")
        return jobs

    def load(card: ModelCard, _: object) -> Digits | Photos:
        return Photos(card) if card.kind == "transform" else Digits(card)

    vars(worker.models.registry)["load_model"] = load
    JobRunner._succeed = noted  # type: ignore[method-assign]
    vars(worker.process.model_worker)["configure_tensorflow"] = lambda *_, **__: None
    vars(worker.process.model_worker)["own_numerics"] = lambda: Numerics("simulated")


def main() -> int:
    from worker.__main__ import main as serve

    _install()
    return serve()


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)
