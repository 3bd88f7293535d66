"""What the pictures of a folder are called, after their photos, and whether they can be written there."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path, PurePosixPath
from string import Formatter

from atelier.folder_batch.variations import SUFFIXES, PictureOptions, Variation
from shared.batches.rendering import alike

FIELDS = ("folder", "stem", "type", "style", "strength", "model")
LONGEST_NAME = 255  # bytes of a file's name, on the file systems that are in use
DIGEST_LENGTH = 12  # hex digits: names that were cut differ by them
_UNSAFE = re.compile(r"[^\w.,()+=@#&'!-]+")


class BadPattern(ValueError):
    """Raised when a pattern names unknown fields, or makes names that lead out of the folder."""


def default_pattern(picture_options: PictureOptions) -> str:
    """Return the pattern with the fields in which the pictures of one photo differ."""
    several = [
        ("{style}", len(picture_options.styles) > 1),
        ("{strength}", len(picture_options.strengths) > 1),
    ]
    return "-".join(["{folder}/{stem}", *(field for field, differs in several if differs)])


def check_pattern(pattern: str, picture_options: PictureOptions) -> str:
    """Return a pattern whose fields are known and make different names; raise BadPattern."""
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
    differing = {"style": len(picture_options.styles), "strength": len(picture_options.strengths), "stem": 2}
    for name, values in differing.items():
        if values > 1 and name not in {field for field, _, _ in fields}:
            raise BadPattern(f"{pattern!r} needs {{{name}}}, in which pictures differ")
    return pattern


def labels_of(names: Iterable[str]) -> list[str]:
    """Return labels that file names may hold, no two alike."""
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

    Where two photos would have one name, or names that differ by case only, the later one's type becomes part
    of its name. A name is not used where another file has it, or where a folder needs it. A name that is too
    long is cut.
    """

    def __init__(
        self,
        pattern: str,
        picture_options: PictureOptions,
        owners: Mapping[str, str],
        is_foreign: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._pattern = pattern
        self._picture_options = picture_options
        self._owners = dict(owners)  # target: photo
        self._files = {alike(target) for target in owners}
        self._folders = {alike(folder) for target in owners for folder in _folders_of(target)}
        self._is_foreign = is_foreign  # whether a file is there that no run made

    def target(self, photo: str, variation: Variation) -> str:
        """Return where the picture of a photo, a path with slashes, goes. Raises BadPattern and OSError."""
        plain = self._written(photo, variation)
        folder = "".join(f"{part}/" for part in self._free_folder(plain.parts[:-1]))
        suffix = SUFFIXES[self._picture_options.format_of(photo)]
        kind = PurePosixPath(photo).suffix.removeprefix(".")
        for tail in chain(("", f"-{kind}"), (f"-{number}" for number in range(2, 10_000))):
            target = f"{folder}{fitting(plain.name, tail + suffix)}"
            if self._take(target, photo):
                return target
        raise BadPattern(f"{self._pattern!r} gives thousands of photos the same name")

    def _free_folder(self, parts: Sequence[str]) -> list[str]:
        """Return the parts of a folder's path; one that is a picture's name gets a number."""
        free: list[str] = []
        for part in parts:
            names = (fitting(part, f"-{number}" if number > 1 else "") for number in count(1))
            free.append(next(name for name in names if alike("/".join([*free, name])) not in self._files))
        return free

    def _take(self, target: str, photo: str) -> bool:
        if target in self._owners:
            return self._owners[target] == photo
        name = alike(target)
        if name in self._files or name in self._folders or self._is_foreign(target):
            return False
        self._owners[target] = photo
        self._files.add(name)
        self._folders.update(alike(folder) for folder in _folders_of(target))
        return True

    def _written(self, photo: str, variation: Variation) -> PurePosixPath:
        path = PurePosixPath(photo)
        style, strength = variation.style, variation.strength
        values = {
            "folder": str(path.parent),
            "stem": path.stem,
            "type": path.suffix.removeprefix("."),
            "style": "" if style is None else style.label,
            "strength": "" if strength is None else f"{strength:g}",
            "model": self._picture_options.model or "",
        }
        written = PurePosixPath(self._pattern.format(**values))
        if written.is_absolute() or not written.name or ".." in written.parts:
            raise BadPattern(f"{self._pattern!r} makes no name of {photo}")
        return written


def fitting(name: str, tail: str) -> str:
    """Return a name with its tail; one that is too long for a file system is cut and gets a digest."""
    whole = os.fsencode(name + tail)
    if len(whole) <= LONGEST_NAME:
        return name + tail
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:DIGEST_LENGTH]
    room = LONGEST_NAME - DIGEST_LENGTH - 1 - len(os.fsencode(tail))
    return f"{os.fsencode(name)[:room].decode(errors='ignore')}~{digest}{tail}"


def _folders_of(target: str) -> Iterator[str]:
    """Yield the folders above a path, but for the one that holds everything."""
    return (str(folder) for folder in PurePosixPath(target).parents if folder.name)


def fault_of_place(path: Path, home: Path) -> str:
    """Return why a path below the folder `home` cannot be written; "" where nothing speaks against it."""
    try:
        if path.is_dir():
            return f"{path} is a folder, and the picture needs the name"
        folder = path.parent
        while folder != home and not os.path.lexists(folder):
            folder = folder.parent
        if not folder.is_dir():
            return f"{folder} is not a folder, and the picture needs one"
    except OSError as error:
        return say_fault(error)
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"the folder {folder} cannot be written"


def say_fault(error: OSError) -> str:
    """Return what went wrong with a file, in a few words."""
    return error.strerror or str(error) or "it cannot be read or written"
