"""A version of the bundled generator beside the current one, for tests without networks."""

from pathlib import Path

from shared.cards.card import ModelCard, bundled_cards

NAME = "mnist-dcgan"
OLD, NEW = f"{NAME}@4", f"{NAME}@5"  # the current version, and one beside it
THERE = (NAME, "magenta-mobile")


def write_version(cards: Path, version: str = "5", **how: object) -> ModelCard:
    """Write the card of a version into a folder of cards; return it."""
    bundled = next(card for card in bundled_cards() if card.name == NAME)
    card = bundled.model_copy(update={"version": version, **how})
    cards.mkdir(exist_ok=True)
    (cards / f"{NAME}@{version}.json").write_text(card.model_dump_json(), "utf-8")
    return card
