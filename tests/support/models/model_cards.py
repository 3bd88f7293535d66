"""Model cards for tests."""

from pathlib import Path

from shared.cards.card import ModelCard


def stylize_card(source: dict[str, str], **changes: object) -> ModelCard:
    """A card of kind stylize with this source."""
    data = {
        "name": "painter",
        "kind": "stylize",
        "version": "1",
        "title": "Painter",
        "description": "A small model.",
        "license": "Apache-2.0",
        "source": source,
        "min_side": 8,
        "style_side": 32,
    }
    return ModelCard.model_validate(data | changes)


def transform_card(folder: Path, **changes: object) -> ModelCard:
    """A card of kind transform whose source is the folder of a SavedModel."""
    data = {
        "name": "changer",
        "kind": "transform",
        "version": "1",
        "title": "Changer",
        "description": "A small model.",
        "license": "Apache-2.0",
        "source": {"type": "saved_model", "path": str(folder)},
    }
    return ModelCard.model_validate(data | changes)
