"""How much memory this machine and its container have, and imports that take less of it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def memory_limit() -> int:
    """Return the bytes that all processes here may take together: the machine's, or a cgroup's limit."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *_limits()])


def _limits() -> Iterator[int]:
    """Return the limits of this process's cgroup and of those around it, of version 2 and of version 1."""
    texts = limits_of("memory.max", controller="memory", older_file="memory.limit_in_bytes")
    return (int(text) for text in texts if text.isdigit())  # "max" is no limit


def limits_of(file: str, *, controller: str = "", older_file: str = "") -> Iterator[str]:
    """Yield what a file says in this process's cgroup and in those around it.

    Of version 2, and with a controller its older file of version 1 too.
    """
    for path in _files(file, controller, older_file):
        try:
            yield path.read_text("ascii", "replace").strip()
        except OSError:
            continue


def _files(file: str, controller: str, older_file: str) -> Iterator[Path]:
    try:
        lines = OWN_CGROUPS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        own = PurePosixPath(path)
        if not controllers:
            root, name = CGROUPS, file
        elif controller and controller in controllers.split(","):
            root, name = CGROUPS / controller, older_file
        else:
            continue
        # In a container the path is the host's, and the own limit stands at the root.
        yield from (root / each.relative_to("/") / name for each in (own, *own.parents))


@contextmanager
def importing_without(*names: str) -> Iterator[None]:
    """Have what is imported in the block go without modules that it would take where they are installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
