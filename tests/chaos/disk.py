"""A small file system in memory for the storage folder, which can be filled up. Needs root on Linux."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

MEBIBYTE = 1024 * 1024
SIZE_MEBIBYTES = 256
STEP_SECONDS = 0.02


def can_mount(folder: Path) -> bool:
    """Whether this process may mount a file system; tries it."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    try:
        with SmallDisk(folder):
            return True
    except subprocess.CalledProcessError:
        return False


class SmallDisk:
    """Mounted for the length of a block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        self._filling = threading.Event()
        self._filler = threading.Thread()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = f"size={SIZE_MEBIBYTES}m,mode=700"
        _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        self.empty()
        _run("umount", "--lazy", str(self.folder))

    def fill(self) -> None:
        """Take all space, and whatever becomes free, until `empty`."""
        self._filling.set()
        self._filler = threading.Thread(target=self._fill, daemon=True)
        self._filler.start()

    def _fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            while self._filling.is_set():
                for size in (16 * MEBIBYTE, MEBIBYTE, 4096):
                    _append_all(file.fileno(), size)
                threading.Event().wait(STEP_SECONDS)

    def empty(self) -> None:
        """Give the space back."""
        self._filling.clear()
        if self._filler.is_alive():
            self._filler.join()
        self._ballast.unlink(missing_ok=True)


def _append_all(descriptor: int, size: int) -> None:
    """Append blocks of this size until there is no room for one."""
    while True:
        end = os.fstat(descriptor).st_size
        try:
            os.posix_fallocate(descriptor, end, size)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
