"""A state folder belongs to one command at a time, and to its processes until the last has ended."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import AtelierError
from shared.storage.places import require_folder

LOCK_FILE = "up.lock"
PATIENCE_SECONDS = 3.0  # with the processes of one that was just killed


class StateFolderBusy(AtelierError):
    """Raised when another command works in the state folder."""

    code = "state_folder_busy"
    title = "The state folder is in use"


class StateLock:
    """Holds a state folder. The descriptor is handed to children, so that the lock lasts as long as they.

    Raises SettingsError where the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        require_folder("ATELIER_STATE_DIR", folder)
        self._path = folder / LOCK_FILE
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, command: str) -> None:
        """Take the folder for a command, or raise StateFolderBusy with the command that has it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._try():
            if time.monotonic() > deadline:
                raise StateFolderBusy(self._busy())
            time.sleep(0.1)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()} {command}".encode(), 0)

    @contextmanager
    def held(self, command: str) -> Iterator[int]:
        """Hold the folder for a block, which gets the descriptor; raise StateFolderBusy."""
        try:
            self.take(command)
            yield self.descriptor
        finally:
            os.close(self.descriptor)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            return False
        return True

    def _busy(self) -> str:
        holder, _, command = os.pread(self.descriptor, 100, 0).decode("ascii", "replace").partition(" ")
        return (
            f"`{command or 'atelier up'}` (process {holder or 'unknown'}) uses {self._path.parent}; "
            "stop it or wait until it has ended, or name another state folder"
        )
