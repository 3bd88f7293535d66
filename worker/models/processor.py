"""What this machine's processor is. Its instructions and caches decide the last bits of a result."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_NAMED_BY = ("vendor_id", "cpu family", "model", "CPU implementer", "CPU part")
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})  # instructions that multiply such numbers
# Flags of Linux, the best first, and what each is called in an id.
_INSTRUCTIONS = {
    "amx_bf16": "amx",
    "avx512_bf16": "avx512bf16",
    "avx512f": "avx512",
    "avx2": "avx2",
    "avx": "avx",
    "asimd": "neon",
}


@dataclass(frozen=True, slots=True)
class Processor:
    """One kind of processor, as far as the system tells."""

    name: str  # vendor, family and model
    flags: frozenset[str] = frozenset()  # its instructions, as Linux calls them
    caches: tuple[str, ...] = ()  # sizes of those of the first two levels: kernels cut their work by them

    @property
    def instructions(self) -> str:
        """The best vector instructions, in a word."""
        known = (word for flag, word in _INSTRUCTIONS.items() if flag in self.flags)
        return next(known, platform.machine().lower() or "unknown")

    @property
    def has_bfloat16(self) -> bool:
        """Whether it multiplies bfloat16 numbers by instructions of its own."""
        return bool(self.flags & _BFLOAT16)


def this_processor(cpuinfo: Path = _CPUINFO, caches: Path = _CACHES) -> Processor:
    """Return this machine's processor; where the system has no such files, its architecture alone."""
    try:
        fields = _first_block(cpuinfo.read_text("utf-8", "replace"))
    except OSError:
        return Processor(platform.machine())
    words = [fields[name] for name in _NAMED_BY if name in fields]
    flags = fields.get("flags", fields.get("Features", ""))
    return Processor(" ".join(words), frozenset(flags.split()), _cache_sizes(caches))


def _first_block(text: str) -> Mapping[str, str]:
    block = text.partition("\n\n")[0]
    pairs = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _cache_sizes(folder: Path) -> tuple[str, ...]:
    """Return the caches of one core; of those that cores share, virtual machines tell this and that."""
    try:
        found = sorted(
            (_read(index / "level"), _read(index / "type"), _read(index / "size"))
            for index in folder.glob("index*")
        )
    except OSError:
        return ()
    return tuple(f"L{level} {kind} {size}" for level, kind, size in found if level in ("1", "2"))


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip()


def available_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
