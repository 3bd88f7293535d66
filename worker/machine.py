"""This machine as its workers see it: what the speed of their settings depends on."""

import importlib.metadata
import math
import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

from shared.machine_memory import CGROUPS, OWN_CGROUPS, memory_limit
from shared.setting_groups import MEBIBYTE

CPU_INFO = Path("/proc/cpuinfo")
SAME_MEMORY = 0.05  # a share: a new kernel, or a little more for the graphics, makes no other machine
_EXTENSIONS = ("avx", "amx", "fma", "sse4")  # of x86 processors: those with which networks compute


def available_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_cores() -> int:
    """Return how many cores this process may keep busy: fewer where a container has a limit of time."""
    return max(1, min([available_cores(), *map(math.ceil, _limits())]))


@dataclass(frozen=True, slots=True)
class Machine:
    """The fingerprint of tuned settings: they hold where all of it is the same."""

    processor: str  # its model
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
    facts = _processor_facts()
    return Machine(
        processor=facts.get("model name") or facts.get("CPU part") or platform.machine(),
        instructions=_instructions(facts),
        cores=usable_cores(),
        memory_mebibytes=memory_limit() // MEBIBYTE,
        tensorflow=_version("tensorflow"),
        models=tuple(sorted(models)),
    )


def _processor_facts() -> dict[str, str]:
    """Return what the system tells of the first core; nothing where it tells nothing."""
    try:
        text = CPU_INFO.read_text("utf-8", "replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _instructions(facts: dict[str, str]) -> tuple[str, ...]:
    if "flags" not in facts:  # ARM's have few, and most of them count
        return tuple(sorted(facts.get("Features", "").split()))
    return tuple(sorted(flag for flag in facts["flags"].split() if flag.startswith(_EXTENSIONS)))


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
