"""Publishes a finished run to workers: a version in the model store, and a card that names it."""

import json
import os
from pathlib import Path

from shared.cards.card import ModelCard, bundled_cards
from shared.cards.parts import Range, TrainedSource
from shared.private_files import make_folder
from worker.models.generation.dcgan import read_record
from worker.models.store import ModelStore
from worker.training.run import Trained

MICRO_BATCH = 16  # pictures in one call of the network
_MOST_AT_ONCE = 256  # pictures of one job


def publish(trained: Trained, name: str, *, store: ModelStore, cards: Path) -> ModelCard:
    """Store the weights as a version named after their sha256 and write the card; return the card.

    A version that is there already stays. The card replaces one of the same name. Where the distribution
    has a card of this name, the new one is the default if that one is.
    """
    card = make_card(trained, name)
    install(card, store=store, cards=cards)
    return card


def install(card: ModelCard, *, store: ModelStore, cards: Path) -> None:
    """Store a trained model and write its card, in the place of one of the same name."""
    store.pull(card)
    make_folder(cards)
    path = cards / f"{card.name}.json"
    partial = path.with_suffix(f".partial-{os.getpid()}")
    content = card.model_dump(mode="json", exclude_defaults=True)
    partial.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    partial.replace(path)


def make_card(trained: Trained, name: str) -> ModelCard:
    """Describe a trained generator."""
    folder = trained.weights.parent.absolute()
    record = read_record(folder)
    carried = next((card for card in bundled_cards() if card.name == name), None)
    return ModelCard(
        name=name,
        kind="generate",
        version=record.sha256[:12],
        title=f"{name} (DCGAN)",
        description=_describe(trained),
        license="not stated",
        source=TrainedSource(type="trained", path=str(folder), sha256=record.sha256),
        default=carried is not None and carried.default,
        preload=carried is not None and carried.preload,
        max_batch=MICRO_BATCH,
        parameters={
            "count": Range(minimum=1, maximum=_MOST_AT_ONCE, default=1),
            "truncation": Range(minimum=0.1, maximum=1.0, default=1.0),
        },
        latent=trained.architecture.latent,
        picture=trained.architecture.picture,
    )


def _describe(trained: Trained) -> str:
    picture = trained.architecture.picture
    kind = "grey" if picture.channels == 1 else "color"
    text = f"Trained by its user: {picture.width} x {picture.height} {kind} pictures"
    if not trained.classes:
        return f"{text} without classes."
    named = ", ".join(f"{number} {name}" for number, name in enumerate(trained.classes))
    return f"{text} of {len(trained.classes)} classes: {named}."
