"""This machine as its workers see it: what the speed of their settings depends on."""

import importlib.metadata
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import PurePosixPath

from shared.machine_memory import CGROUPS, OWN_CGROUPS, memory_limit
from shared.setting_groups import MEBIBYTE
from worker.models.processor import this_processor

SAME_MEMORY = 0.05  # a share: a new kernel, or a little more for the graphics, makes no other machine
# Those with which networks compute, of x86 and of ARM.
_EXTENSIONS = ("sse4", "fma", "avx", "amx", "asimd", "sve", "sme", "bf16", "i8mm")


def available_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_cores() -> int:
    """Return how many cores this process may keep busy: fewer where a container has a limit of time."""
    return max(1, min([available_cores(), *map(math.ceil, _limits())]))


@dataclass(frozen=True, slots=True)
class Machine:
    """The fingerprint of tuned settings: they hold where all of it is the same."""

    processor: str  # vendor, family and model
    instructions: tuple[str, ...]  # extensions of its instruction set
    cores: int  # that a worker may keep busy
    memory_mebibytes: int  # that all processes may take
    tensorflow: str  # version
    models: tuple[str, ...]  # loaded at the start, with their versions

    def differences(self, other: "Machine") -> tuple[str, ...]:
        """Return the names of what differs."""
        names = [field.name for field in fields(self) if field.name != "memory_mebibytes"]
        found = [name for name in names if getattr(self, name) != getattr(other, name)]
        larger = max(self.memory_mebibytes, other.memory_mebibytes)
        if abs(self.memory_mebibytes - other.memory_mebibytes) > SAME_MEMORY * larger:
            found.append("memory")
        return tuple(found)


def this_machine(models: Iterable[str]) -> Machine:
    """Return the fingerprint of this process's machine, with the names of the models that it loads."""
    processor = this_processor()
    return Machine(
        processor=processor.name,
        instructions=tuple(sorted(flag for flag in processor.flags if flag.startswith(_EXTENSIONS))),
        cores=usable_cores(),
        memory_mebibytes=memory_limit() // MEBIBYTE,
        tensorflow=_version("tensorflow"),
        models=tuple(sorted(models)),
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _limits() -> Iterator[float]:
    """Yield the limits in cores of this process's cgroup, version 2, and of those around it."""
    try:
        lines = OWN_CGROUPS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    own = next((PurePosixPath(line.removeprefix("0::")) for line in lines if line.startswith("0::")), None)
    for each in () if own is None else (own, *own.parents):
        try:
            most, period = (CGROUPS / each.relative_to("/") / "cpu.max").read_text("ascii").split()
        except (OSError, ValueError):
            continue
        if most.isdigit():  # "max" is no limit
            yield int(most) / int(period)
