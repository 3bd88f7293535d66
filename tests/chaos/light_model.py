"""Writes the stand-in model that carries the count: a real SavedModel that takes a millisecond.

Usage: python -m tests.chaos.light_model FOLDER; the folder gets `cards/`, `light/` and `models/`, a store.
The stylizer is among the cards, and stored, so changed that workers load it when a job first names it: they
start again often here.
"""

import sys
from pathlib import Path

from shared.cards.card import load_catalog
from tests.chaos.marks import LATENT_SIZE

NAME = "light"
STYLIZER = "magenta-mobile"


def write(folder: Path) -> None:
    """Save the model and its card below a folder."""
    from tests.support.models.generator_cards import generator_card
    from tests.support.models.generator_modules import HubBlocks
    from worker.models.store import ModelStore

    model = folder.absolute() / NAME
    HubBlocks(LATENT_SIZE).save(str(model))
    card = generator_card(model, normals=LATENT_SIZE, name=NAME, title="Light", preload=True)
    late = load_catalog().get(STYLIZER).model_copy(update={"preload": False, "default": False})
    ModelStore(folder / "models").pull(late)
    (folder / "cards").mkdir(parents=True, exist_ok=True)
    for each in (card, late):
        (folder / "cards" / f"{each.name}.json").write_text(each.model_dump_json(), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
