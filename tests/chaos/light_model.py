"""Writes the stand-in model that carries the count: a real SavedModel that takes a millisecond.

Usage: python -m tests.chaos.light_model FOLDER; the folder gets `cards/light.json` and `light/`.
"""

import sys
from pathlib import Path

from tests.chaos.marks import LATENT_SIZE

NAME = "light"


def write(folder: Path) -> None:
    """Save the model and its card below a folder."""
    from tests.support.generator_cards import generator_card
    from tests.support.generator_modules import HubBlocks

    model = folder.absolute() / NAME
    HubBlocks(LATENT_SIZE).save(str(model))
    card = generator_card(model, normals=LATENT_SIZE, name=NAME, title="Light", preload=True)
    (folder / "cards").mkdir(parents=True, exist_ok=True)
    (folder / "cards" / f"{NAME}.json").write_text(card.model_dump_json(), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
