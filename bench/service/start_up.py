"""How long an installation takes from its command to ready, and where the time goes."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from atelier.local.stack import LOG_FILE, RunningStack
from bench.measuring import Goal, Table
from bench.processes import cpu_seconds, wait_until, with_children

# What the log says at the end of each stage, by the process that says it.
STAGES = (
    ("atelier", "the job store answers", "the job store answers"),
    ("worker", "TensorFlow is loaded", "worker: TensorFlow is imported"),
    ("worker", "model ready", "worker: models are loaded and warm"),
    ("api", "application ready", "API: answers"),
    ("atelier", "ready after", "all is ready"),
)
_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d[.,]\d{3})")
_DAY_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Bare:
    """A Python that imports TensorFlow and ends."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Start:
    """One start of an installation."""

    seconds: float  # from the command to ready
    cpu_seconds: dict[str, float]  # of each process with those below it, until ready
    stages: dict[str, float]  # seconds from the command to the end of each


def bare_import() -> Bare:
    """Import TensorFlow in another process, as the worker configures it."""
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
    before, began = os.times(), perf_counter()
    command = [sys.executable, "-c", "import tensorflow"]
    subprocess.run(command, env=environ, stderr=subprocess.DEVNULL, check=True)
    seconds, after = perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Bare(seconds, used)


def start(stack: RunningStack) -> Start:
    """Start an installation, and return what it took."""
    log = stack.folder / LOG_FILE
    known = log.stat().st_size if log.exists() else 0
    clock, began = _seconds_of_day(datetime.now().strftime("%H:%M:%S.%f")[:12]), perf_counter()
    stack.start()
    seconds = perf_counter() - began
    used = {name: cpu_seconds(*with_children(pid)) for name, pid in stack.processes().items()}
    found: dict[str, float] = {}

    def read() -> bool:
        lines = log.read_bytes()[known:].decode("utf-8", "replace").splitlines()
        found.update(_stages(lines, clock))
        return len(found) == len(STAGES)

    wait_until(read, "the log of the start")  # its last line comes just after it
    return Start(seconds, used, found)


def _stages(lines: list[str], began: float) -> dict[str, float]:
    ends = {}
    for line in lines:
        process, _, text = (part.strip() for part in line.partition("|"))
        clock = _CLOCK.search(text)
        for name, words, label in STAGES:
            if clock and name == process and words in text:  # of several, the last
                ends[label] = (_seconds_of_day(clock[0]) - began) % _DAY_SECONDS
    return ends


def _seconds_of_day(clock: str) -> float:
    hours, minutes, seconds = clock.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def add_start(table: Table, what: str, found: Start, bare: Bare, goal: Goal) -> None:
    """Add a start, its share of a bare import, and its stages."""
    table.add(f"{what}, to ready", found.seconds, "s", goal)
    table.add(f"{what} / bare import of TensorFlow", found.seconds / bare.seconds)
    for label, seconds in sorted(found.stages.items(), key=lambda stage: stage[1]):
        table.add(f"    {label}, after", seconds, "s")
    for name, seconds in found.cpu_seconds.items():
        table.add(f"    processor time of {name} / bare import", seconds / bare.cpu_seconds)
