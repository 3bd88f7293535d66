"""Model cards for tests."""

from shared.cards import ModelCard


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
