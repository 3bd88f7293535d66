"""Where a command writes: what its -o names is checked before any work, and refused where it cannot be."""

import os
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any, Literal

import click

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".gif": "gif"}
JPEG_SUFFIXES = (".jpg", ".jpeg")
STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where pictures go."""

    kind: Literal["file", "folder", "stdout"]
    path: Path = Path(STANDARD_OUTPUT)
    named: str = STANDARD_OUTPUT  # as it was typed

    @property
    def file(self) -> Path | None:
        """The file that pictures go to; None where they do not go to one."""
        return self.path if self.kind == "file" else None

    @property
    def format(self) -> str | None:
        """The format by the name of the file."""
        return FORMATS[self.path.suffix.lower()] if self.kind == "file" else None


class OutputFile(click.Path):
    """A file that can be written; with `suffixes`, its name must have one of them or none."""

    def __init__(self, suffixes: Collection[str] = (), *, dash: bool = False) -> None:
        super().__init__(path_type=Path)
        self.suffixes, self.dash = suffixes, dash

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; fail with the reason why it cannot be written."""
        text = os.fspath(value)
        if text == STANDARD_OUTPUT and self.dash:
            _refuse_terminal(text, param, ctx)
            return Path(text)
        reason = _fault_of_file(text) or self._fault_of_suffix(Path(text))
        if reason:
            self.fail(reason, param, ctx)
        return Path(text)

    def _fault_of_suffix(self, path: Path) -> str:
        if not self.suffixes or path.suffix.lower() in ("", *self.suffixes):
            return ""
        return f"the name of this file must end in {' or '.join(self.suffixes)}, not in {path.suffix}"


class OutputFolder(click.Path):
    """A folder that can be written, or made."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; fail with the reason why it cannot be a folder."""
        text = os.fspath(value)
        reason = self._fault_of_name(text) or _fault_of_folder(Path(text))
        if reason:
            self.fail(reason, param, ctx)
        return Path(text)

    @staticmethod
    def _fault_of_name(text: str) -> str:
        if text == STANDARD_OUTPUT:
            return "this command writes a folder, not to the standard output"
        path = Path(text)
        if path.suffix.lower() in FORMATS and not _names_folder(text):
            return f"{text} is the name of a picture, and a folder is needed; write {text}/ for a folder"
        return ""


class OutputPictures(click.Path):
    """A file for one picture, a folder for any number, or - for the standard output."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the Destination; fail with the reason why nothing can be written there."""
        if isinstance(value, Destination):
            return value
        text = os.fspath(value)
        if text == STANDARD_OUTPUT:
            _refuse_terminal(text, param, ctx)
            return Destination("stdout")
        path = Path(text)
        suffix = "" if _names_folder(text) else path.suffix.lower()
        if suffix and suffix not in FORMATS:
            known = ", ".join(FORMATS)
            self.fail(f"no format is called {suffix}; use {known}, or write {text}/ for a folder", param, ctx)
        reason = _fault_of_file(text) if suffix else _fault_of_folder(path)
        if reason:
            self.fail(reason, param, ctx)
        return Destination("file" if suffix else "folder", path, text)


def check_apart(option: str, output: Path | None, *inputs: object) -> None:
    """Raise UsageError where an output is one of the files that a command reads: it would be lost."""
    for path in inputs:
        if output is not None and isinstance(path, Path) and _are_one(path, output):
            raise click.UsageError(f"{option} {output} is {path}, which the command reads; name another file")


def _are_one(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there
        return path.absolute() == other.absolute()


def _refuse_terminal(text: str, param: click.Parameter | None, ctx: click.Context | None) -> None:
    if is_terminal():
        reason = "the standard output is a terminal; name a file, or send the output on with > or |"
        raise click.BadParameter(reason, ctx=ctx, param=param)


def is_terminal() -> bool:
    """Whether the standard output is a terminal."""
    return sys.stdout.isatty()


def _names_folder(text: str) -> bool:
    return text.endswith(os.sep) or Path(text).name in ("", "..") or _is_folder(Path(text))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a name that is too long
        return False


def _fault_of_file(text: str) -> str:
    """Return why a file cannot be written under this name; "" where it can."""
    path = Path(text)
    if _names_folder(text):
        return f"{text} is a folder, and a file is needed"
    try:
        if os.path.lexists(path) and path.exists() and not S_ISREG(path.stat().st_mode):
            return f"{text} is not a regular file"
        path.lstat()
    except FileNotFoundError:
        if not path.parent.exists():
            return f"the folder {path.parent} does not exist; make it first"
    except OSError as error:
        return f"{text} cannot be written: {error.strerror}"
    return _fault_of_writing(path.parent)


def _fault_of_folder(path: Path) -> str:
    """Return why a folder cannot be written, or made; "" where it can."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return _fault_of_folder(path.parent if path.parent != path else path.absolute())
    except OSError as error:
        return f"{path} cannot be a folder: {error.strerror}"
    if not path.is_dir():
        return f"{path} is not a folder, and a folder is needed"
    return _fault_of_writing(path)


def _fault_of_writing(folder: Path) -> str:
    """Return why no file can be made in a folder; "" where one can, which is tried."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"the folder {folder} cannot be written: {error.strerror}"
