"""Cards of small generators for tests."""

from pathlib import Path
from typing import Any

from shared.cards.card import ModelCard


def generator_card(folder: Path, *, normals: int = 16, side: int = 8, **changes: Any) -> ModelCard:
    """A card of kind generate whose source is the folder of a SavedModel."""
    data = {
        "name": "blocks",
        "kind": "generate",
        "version": "1",
        "title": "Blocks",
        "description": "A small generator.",
        "license": "Apache-2.0",
        "source": {"type": "saved_model", "path": str(folder)},
        "max_batch": 4,
        "parameters": {"count": {"minimum": 1, "maximum": 64, "default": 1}},
        "latent": {"normals": normals, "classes": 0},
        "picture": {"width": side, "height": side, "channels": 3},
    }
    return ModelCard.model_validate(data | changes)
