"""What a log must not hold: characters that steer a terminal, and lines that a stranger has written."""

import re
import unicodedata

EVENT = re.compile(r"^\d\d:\d\d:\d\d\.\d{3} [A-Z]+ +[\w.]+: ")
FORGED = "12:00:00.123 INFO    atelier.api: forged"
_KINDS = {"Cc", "Cs", "Zl", "Zp"}


def steers(text: str) -> list[str]:
    """Return what of a text, but for the ends of its lines, steers a terminal."""
    return [c for c in text if c != "\n" and (unicodedata.category(c) in _KINDS or c == "\u202e")]


def forged_in(text: str) -> list[str]:
    """Return the lines that a stranger has written."""
    return [line for line in text.splitlines() if line.startswith(FORGED)]


def loose_lines(text: str) -> list[str]:
    """Return the lines that neither begin an event nor belong to the one above."""
    return [line for line in text.splitlines() if not EVENT.match(line) and not line.startswith("    ")]
