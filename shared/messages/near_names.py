"""Which known names a mistyped one may have meant: compared word by word, and as a whole."""

from collections import Counter
from collections.abc import Collection, Set
from difflib import SequenceMatcher

ALIKE = 0.75  # of two words, 0 to 1: port and prot, limit and limits
NEARLY_EQUAL = 0.9  # of two whole names without their dashes: loglevel and log_level
LEAST_SHARE = 1 / 3  # of a known name's words
MOST = 3  # names that fit equally well; more of them say nothing


def near(name: str, known: Collection[str]) -> list[str]:
    """Return the known names (words joined by `_`) that fit best, in order; none where none is near.

    A name fits where every word of the given one is like a word of it, and these are a third of its words and
    not only the name of a group, which is a first word that more than three names share.
    """
    firsts = Counter(_words(other)[0] for other in known)
    groups = {word for word, count in firsts.items() if count > MOST}
    shares = {other: _share(_words(name), _words(other), groups) for other in known}
    best = max(shares.values(), default=0.0)
    found = sorted(other for other, share in shares.items() if share == best)
    return found if best > 0 and len(found) <= MOST else []


def _words(name: str) -> list[str]:
    return [word for word in name.lower().removeprefix("atelier_").split("_") if word]


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _share(given: list[str], known: list[str], groups: Set[str]) -> float:
    """Return how much of a known name the given words cover, 0 where they do not mean it."""
    whole = _alike("".join(given), "".join(known))
    if whole >= NEARLY_EQUAL:
        return 1 + whole
    best = [max(((_alike(word, other), other) for other in known), default=(0.0, "")) for word in given]
    covered = {other for likeness, other in best if likeness >= ALIKE}
    if not best or any(likeness < ALIKE for likeness, _ in best) or covered <= groups & set(known[:1]):
        return 0.0
    share = len(covered) / len(known)
    return share if share >= LEAST_SHARE else 0.0
