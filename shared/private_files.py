"""Folders and files for this user alone: their rights are set, whatever the umask of the process is."""

import os
import stat
from pathlib import Path
from typing import IO, Any

from shared.errors import AtelierError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
UMASK = 0o077  # of programs that make files themselves, such as the embedded server


class UnsafeFolder(AtelierError):
    """Raised when others could put something into a folder that must be this user's alone."""

    code = "unsafe_folder"
    title = "The folder is open to others"


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone; one that exists stays."""
    try:
        folder.mkdir(mode=FOLDER_MODE)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except FileExistsError:
        if not folder.is_dir():
            raise


def open_private(path: Path, mode: str) -> IO[Any]:
    """Open a file to write, for this user alone, also one that exists; a link is refused with OSError."""
    file = open(path, mode, opener=_opener)  # noqa: SIM115  (its caller closes it)
    if os.fstat(file.fileno()).st_mode & 0o777 != FILE_MODE:
        os.fchmod(file.fileno(), FILE_MODE)
    return file


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, FILE_MODE)


def danger_of(folder: Path, *, may_be_link: bool = True) -> str:
    """Return why others could put something into a folder, and what to do; "" where they cannot."""
    facts = folder.stat() if may_be_link else folder.lstat()
    mode = stat.S_IMODE(facts.st_mode)
    if not stat.S_ISDIR(facts.st_mode):
        return f"{folder} is no folder; remove it"
    if facts.st_uid != os.geteuid():
        return f"{folder} belongs to another user (uid {facts.st_uid}); run as that user"
    if mode & 0o022:
        remedy = f"look through it, then `chmod 700 {folder}`, or name another place"
        return f"other users may write to {folder} (mode {mode:04o}); {remedy}"
    return ""


def require_own(folder: Path, *, may_be_link: bool = True) -> None:
    """Make a folder for this user alone; raise UnsafeFolder where others own it or may write there."""
    make_folder(folder)
    if danger := danger_of(folder, may_be_link=may_be_link):
        raise UnsafeFolder(danger)
    close_to_others(folder)


def close_to_others(path: Path) -> None:
    """Take all rights of others from a folder or file of this user, where it has some."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & UMASK:
        path.chmod(mode & ~UMASK)


def close_tree(folder: Path) -> None:
    """Take the rights of others from a folder and all below it; links are passed over."""
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent), *(Path(parent, name) for name in (*folders, *files))):
            if not path.is_symlink():
                close_to_others(path)
