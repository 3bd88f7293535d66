"""A file system of a few MiB in memory, to be filled up. It takes root on Linux to mount one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest


class SmallDisk:
    """Mounted for the length of a block."""

    def __init__(self, folder: Path, *, mebibytes: int) -> None:
        self.folder = folder
        self._size = mebibytes
        self._ballast = folder / "ballast"

    def __enter__(self) -> Self:
        if sys.platform != "linux" or os.geteuid() != 0:
            pytest.skip("only root on Linux can mount a small disk to fill")
        self.folder.mkdir()
        options = f"size={self._size}m,mode=700"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("this machine does not allow to mount a small disk to fill")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def fill(self) -> None:
        """Leave not one byte free."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1024 * 1024, 4096, 1):
                _append_all(file.fileno(), size)

    def make_read_only(self) -> None:
        """Refuse every write, as the root of a container does."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)

    def empty(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)


def _append_all(handle: int, size: int) -> None:
    try:
        while os.write(handle, b"\0" * size) == size:
            pass
    except OSError:
        return
