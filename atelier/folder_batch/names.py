"""What the pictures of a folder are called: after the photos, in folders as theirs."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import PurePosixPath
from string import Formatter

from atelier.folder_batch.recipe import SUFFIXES, Recipe, Variation

FIELDS = ("folder", "stem", "type", "style", "strength", "model")
_UNSAFE = re.compile(r"[^\w.,()+=@#&'!-]+")


class BadPattern(ValueError):
    """Raised when a pattern names unknown fields, or makes names that lead out of the folder."""


def default_pattern(recipe: Recipe) -> str:
    """Return the pattern that tells of a picture what differs between the pictures of one photo."""
    several = [("{style}", len(recipe.styles) > 1), ("{strength}", len(recipe.strengths) > 1)]
    return "-".join(["{folder}/{stem}", *(field for field, differs in several if differs)])


def check_pattern(pattern: str, recipe: Recipe) -> str:
    """Return a pattern whose fields are known, and tell a photo's pictures apart; raise BadPattern."""
    try:
        fields = [
            (name, spec, turn) for _, name, spec, turn in Formatter().parse(pattern) if name is not None
        ]
    except ValueError as error:
        raise BadPattern(f"{pattern!r} is no pattern: {error}") from error
    for name, spec, turn in fields:
        if name not in FIELDS or spec or turn:
            raise BadPattern(f"{{{name}}} is no field; there are {', '.join(FIELDS)}")
    if pattern.startswith("/") or ".." in PurePosixPath(pattern).parts:
        raise BadPattern(f"{pattern!r} leads out of the output folder")
    differing = {"style": len(recipe.styles), "strength": len(recipe.strengths), "stem": 2}
    for name, count in differing.items():
        if count > 1 and name not in {field for field, _, _ in fields}:
            raise BadPattern(f"{pattern!r} needs {{{name}}}, in which pictures differ")
    return pattern


def labels_of(names: Iterable[str]) -> list[str]:
    """Return labels that file names take, no two alike."""
    labels: list[str] = []
    for name in names:
        plain = _UNSAFE.sub("_", name).strip("._") or "style"
        label, number = plain, 1
        while label in labels:
            number += 1
            label = f"{plain}-{number}"
        labels.append(label)
    return labels


class Names:
    """Gives each picture its path below the output folder. A path belongs to one photo, also in later runs.

    Where two photos would have one name, the later one's type becomes part of its name. A name that somebody
    else's file has is passed over.
    """

    def __init__(
        self,
        pattern: str,
        recipe: Recipe,
        owners: Mapping[str, str],
        is_foreign: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._pattern = pattern
        self._recipe = recipe
        self._owners = dict(owners)  # target: photo
        self._is_foreign = is_foreign  # whether a file is there that no run made

    def target(self, photo: str, variation: Variation) -> str:
        """Return where the picture of a photo, a path with slashes, goes."""
        plain = self._written(photo, variation)
        suffix = SUFFIXES[self._recipe.format_of(photo)]
        kind = PurePosixPath(photo).suffix.removeprefix(".")
        for name in chain((plain, f"{plain}-{kind}"), (f"{plain}-{number}" for number in range(2, 10_000))):
            if self._take(f"{name}{suffix}", photo):
                return f"{name}{suffix}"
        raise BadPattern(f"{self._pattern!r} gives thousands of photos the same name")

    def _take(self, target: str, photo: str) -> bool:
        if target not in self._owners and self._is_foreign(target):
            return False
        return self._owners.setdefault(target, photo) == photo

    def _written(self, photo: str, variation: Variation) -> str:
        path = PurePosixPath(photo)
        style, strength = variation.style, variation.strength
        values = {
            "folder": str(path.parent),
            "stem": path.stem,
            "type": path.suffix.removeprefix("."),
            "style": "" if style is None else style.label,
            "strength": "" if strength is None else f"{strength:g}",
            "model": self._recipe.model or "",
        }
        written = PurePosixPath(self._pattern.format(**values))
        if written.is_absolute() or not written.name or ".." in written.parts:
            raise BadPattern(f"{self._pattern!r} makes no name of {photo}")
        return str(written)
