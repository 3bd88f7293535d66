"""Runs a real entry of the program, in which points can be struck.

Called as `launch NAME FOLDER OFFSET MODULE ARGUMENTS...`: NAME is the process's name, FOLDER that of the
strikes, OFFSET the error of its clock in seconds.
"""

import sys

from tests.crash_points import clocks

if __name__ == "__main__":
    clocks.shift(float(sys.argv[3]))

import functools
import os
import runpy
from pathlib import Path
from typing import Any

from tests.crash_points.points import POINTS, Call, Point
from tests.crash_points.strikes import Strikes, Struck


def watch(name: str, strikes: Strikes) -> None:
    """Wrap every target that processes of this name pass; AttributeError where there is none such."""
    for point in POINTS:
        if name.startswith(point.process):
            _wrap(point, name, strikes)


def _wrap(point: Point, name: str, strikes: Strikes) -> None:
    owner, last = point.where()
    original, skip = (
        getattr(owner, last),
        int(isinstance(owner, type)),
    )  # a method's first argument is its object

    @functools.wraps(original)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        if point.moment == "before":
            _strike(point, name, strikes, Call(arguments[skip:]))
        result = original(*arguments, **options)
        if point.moment == "after":
            _strike(point, name, strikes, Call(arguments[skip:], result))
        return result

    setattr(owner, last, wrapped)


def _strike(point: Point, name: str, strikes: Strikes, call: Call) -> None:
    if point.when(call) and strikes.take(point.name, Struck(name, os.getpid(), point.note(call))):
        point.act()


def _hurry_deliveries() -> None:
    """Let a try whose process died be made again after a second, not after half a minute."""
    import worker.webhooks.dispatcher
    from worker.webhooks.sender import DeliveryRules

    quick = functools.partial(DeliveryRules, timeout_seconds=0.8, lease_seconds=1.0)
    vars(worker.webhooks.dispatcher)["DeliveryRules"] = quick


def _hurry_transfers() -> None:
    """Let a step whose process died be made again after a second, too."""
    import shared.transfers.store

    vars(shared.transfers.store)["LEASE_SECONDS"] = 1


def main() -> None:
    """Prepare this process, then become the entry."""
    name, folder, _, module, *arguments = sys.argv[1:]
    if name.startswith("worker"):
        from tests.support.models import light_models

        light_models.install()
    if name == "io":
        _hurry_deliveries()
        _hurry_transfers()
    watch(name, Strikes(Path(folder)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
