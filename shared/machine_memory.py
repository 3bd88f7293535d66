"""How much memory this machine has, within the limits of the container that this process runs in."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def memory_limit() -> int:
    """Return the bytes that all processes here may take together: the machine's, or a cgroup's limit."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *_limits()])


def _limits() -> Iterator[int]:
    """Yield the limits of this process's cgroup and of those around it, of version 2 and of version 1."""
    for folder, name in _folders():
        try:
            text = (folder / name).read_text("ascii").strip()
        except OSError:
            continue
        if text.isdigit():  # "max" is no limit
            yield int(text)


def _folders() -> Iterator[tuple[Path, str]]:
    try:
        lines = OWN_CGROUPS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        own = PurePosixPath(path)
        if not controllers:
            root, name = CGROUPS, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = CGROUPS / "memory", "memory.limit_in_bytes"
        else:
            continue
        # In a container the path is the host's, and the own limit stands at the root.
        yield from ((root / each.relative_to("/"), name) for each in (own, *own.parents))
