"""This machine as its workers see it: what the speed of their settings depends on."""

import importlib.metadata
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from shared.machine_memory import limits_of, memory_limit
from shared.setting_groups import MEBIBYTE
from worker.models.processor import available_cores, this_processor
from worker.models.runtime import has_gpu

SAME_MEMORY = 0.05  # a share: a new kernel, or a little more for the graphics, makes no other machine
# Those with which networks compute, of x86 and of ARM.
_EXTENSIONS = ("sse4", "fma", "avx", "amx", "asimd", "sve", "sme", "bf16", "i8mm")


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
    gpu: bool = False  # that TensorFlow could use

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
        gpu=has_gpu(),
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _limits() -> Iterator[float]:
    """Yield the limits in cores of this process's cgroup, version 2, and of those around it."""
    for text in limits_of("cpu.max"):
        most, _, period = text.partition(" ")
        if most.isdigit() and period.isdigit():  # "max" is no limit
            yield int(most) / int(period)
