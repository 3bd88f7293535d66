"""Runs a process of an installation with a wrong clock and with seams for trouble.

Is put before a command, as `python -m tests.chaos.disturbed PYTHON -m MODULE ARGUMENTS...`, and becomes it.
The clock is wrong by CHAOS_CLOCK_SECONDS. A job dwells, or kills its process, where its latents or its
picture carry the marks of `tests.chaos.clients.requests`.
"""

import datetime
import importlib
import os
import runpy
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.chaos.marks import DWELL, EXIT_POISONED, KEY_OF_MARK, POISON, is_marked

CLOCK_VARIABLE = "CHAOS_CLOCK_SECONDS"


def shift_clock(seconds: float) -> None:
    """Make every wall clock of this process wrong; the monotonic one stays."""
    real, real_ns, local, utc = time.time, time.time_ns, time.localtime, time.gmtime
    shift_ns = int(seconds * 1e9)
    changed: dict[str, Callable[..., Any]] = {
        "time": lambda: real() + seconds,
        "time_ns": lambda: real_ns() + shift_ns,
        "localtime": lambda when=None: local(real() + seconds if when is None else when),
        "gmtime": lambda when=None: utc(real() + seconds if when is None else when),
    }
    for name, clock in changed.items():
        setattr(time, name, clock)
    setattr(datetime, "datetime", _shifted_datetime(seconds))  # noqa: B010  (a type, to the type checker)


def _shifted_datetime(seconds: float) -> type:
    real: Any = datetime.datetime

    class AnyDatetime(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, real)

    class ShiftedDatetime(real, metaclass=AnyDatetime):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return real.now(tz) + datetime.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls) -> Any:
            return real.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=seconds)

    return ShiftedDatetime


def open_seams() -> None:
    """Let marked jobs dwell in their worker, or kill it when they are decoded or predicted."""
    batcher: Any = importlib.import_module("worker.execution.batcher")
    generation: Any = importlib.import_module("worker.kinds.generation")
    decode: Any = importlib.import_module("worker.codec.decode")
    prepare, run_batch, open_image = generation.prepare, batcher._run_batch, decode.open_image

    def dwelling(spec: Any, *rest: Any) -> Any:
        if spec.latents and is_marked(spec.latents[0], DWELL):
            time.sleep(spec.latents[0][-1])
        return prepare(spec, *rest)

    def poisoned_batch(batch: list[Any]) -> None:
        for request in batch:
            _die_if_poisoned(request.payload)
        run_batch(batch)

    def poisoned_image(data: bytes, *rest: Any, **options: Any) -> Any:
        if KEY_OF_MARK.encode() in data:
            os._exit(EXIT_POISONED)
        return open_image(data, *rest, **options)

    generation.prepare, batcher._run_batch = dwelling, poisoned_batch
    decode.open_image = poisoned_image


def _die_if_poisoned(payload: Any) -> None:
    """A generator's payload is an array, (n, size)."""
    rows = payload if getattr(payload, "ndim", 0) == 2 else ()
    if any(is_marked(row, POISON) for row in rows):
        os._exit(EXIT_POISONED)


def main() -> None:
    """Disturb this process, then become the module that the command names."""
    _, module, *arguments = sys.argv[sys.argv.index("-m", 1) :]
    shift_clock(float(os.environ.get(CLOCK_VARIABLE, "0")))
    if module == "worker" and "io" not in arguments:
        open_seams()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
