"""Pictures that show every built-in style of a network; made by `python -m bench.style_sheet`."""

from functools import cache
from importlib import resources

from shared.cards import ModelCard


def sheet_of(card: ModelCard) -> bytes | None:
    """Return the JPEG of a model's built-in styles, None where there is none of this very version."""
    return _read(f"{card.name}-{card.version}.jpg") if card.builtin_styles else None


@cache
def _read(name: str) -> bytes | None:
    file = resources.files("api") / "style_sheets" / name
    return file.read_bytes() if file.is_file() else None
