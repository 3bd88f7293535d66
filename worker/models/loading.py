"""Turns a card into a network ready to run, out of the model store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.cards import ModelCard
from worker.models.store import ModelStore

if TYPE_CHECKING:
    from worker.models.generator import Generator
    from worker.models.stylizer import Stylizer


def load_model(card: ModelCard, store: ModelStore) -> Generator | Stylizer:
    """Load a model, its files checked first; ModelUnavailable or ModelCorrupt says what to run.

    Neither warms it up nor configures TensorFlow: `runtime.configure_tensorflow` comes first, once a process.
    """
    stored = store.open(card)
    if card.kind == "generate":
        from worker.models.generator import Generator

        return Generator.load(card, stored.folder)
    from worker.models.stylizer import Stylizer

    return Stylizer.load(card, stored.folder)
