"""The named points between two steps at which a process can be made to die, as data."""

import functools
import importlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import ObjectDamaged

POISON = b"poison"  # in a picture's bytes: a process that decodes it dies


@dataclass(frozen=True, slots=True)
class Call:
    """One call that passes a point."""

    arguments: tuple[Any, ...]  # without `self`
    result: Any = None  # at points after the call


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def live() -> None:
    """Let this process go on: that it came here is all that matters."""


def spoil_bytes() -> None:
    """Have the storage give wrong bytes once: an error that counts, and passes."""
    raise ObjectDamaged("a bit fell over")


@dataclass(frozen=True, slots=True)
class Point:
    """Before or after a call of the program's own code, in processes of one kind."""

    name: str
    process: str  # the beginning of the process's name; "" is any
    moment: Literal["before", "after"]
    target: str  # module:function or module:Class.method
    when: Callable[[Call], bool] = lambda _: True
    act: Callable[[], None] = die
    note: Callable[[Call], str] = lambda _: ""

    def where(self) -> tuple[Any, str]:
        """Return the module or class that has the target, and the target's name there."""
        module, _, path = self.target.partition(":")
        *owners, name = path.split(".")
        return functools.reduce(getattr, owners, importlib.import_module(module)), name


def _script(name: str) -> Callable[[Call], bool]:
    return lambda call: call.arguments[0] == name


def _is_output(index: int) -> Callable[[Call], bool]:
    return lambda call: call.arguments[1] == index


def _is_taken(call: Call) -> bool:
    return bool(call.result)


def _is_garbage(call: Call) -> bool:
    return str(call.arguments[0]).endswith("garbage")


def _is_poisoned(call: Call) -> bool:
    return POISON in call.arguments[0]


def _has_nines(call: Call) -> bool:
    return bool((call.arguments[0] == 9).all(axis=1).any())


def _size(call: Call) -> str:
    return str(len(call.arguments[0]))


_JOBS = "shared.jobs.store:JobStore"
_DELIVERIES = "shared.webhooks.store:Deliveries"
_TRANSFERS = "shared.transfers.store:Transfers"
_FOLDER = "shared.storage.local:LocalObjectStore"
_GENERATE = "tests.support.models.light_models:LightGenerator.generate"
_SCRIPT = "shared.redis.scripts:Scripts.run"

POINTS = (
    Point("api.before-create", "api", "before", f"{_JOBS}.submit"),
    Point("api.after-create", "api", "after", f"{_JOBS}.submit"),
    Point("api.upload-before-rename", "api", "before", f"{_FOLDER}._publish"),
    Point("api.upload-before-record", "api", "before", _SCRIPT, _script("files/add_file")),
    Point("api.upload-after-record", "api", "after", _SCRIPT, _script("files/add_file")),
    Point("api.after-forget", "api", "after", f"{_JOBS}.delete"),
    Point("worker.before-claim", "worker", "before", f"{_JOBS}.claim_next"),
    Point("worker.after-claim", "worker", "after", f"{_JOBS}.claim_next", _is_taken),
    Point("worker.after-load", "worker", "before", "worker.kinds.transformation:prepare"),
    Point("worker.after-decode", "worker", "after", "worker.kinds.transformation:decode"),
    Point("worker.after-predict", "worker", "after", "worker.kinds.generation:predict"),
    Point("worker.before-store", "worker", "before", "worker.pipeline:_store"),
    Point("worker.before-rename", "worker", "before", f"{_FOLDER}._publish"),
    Point("worker.after-rename", "worker", "after", f"{_FOLDER}._publish"),
    Point("worker.between-outputs", "worker", "after", "worker.pipeline:_store", _is_output(0)),
    Point("worker.after-store", "worker", "after", "worker.pipeline:_store", _is_output(1)),
    Point("worker.before-succeed", "worker", "before", f"{_JOBS}.succeed"),
    Point("worker.after-succeed", "worker", "after", f"{_JOBS}.succeed"),
    Point("worker.before-fail", "worker", "before", f"{_JOBS}.fail"),
    Point("worker.after-fail", "worker", "after", f"{_JOBS}.fail"),
    Point("worker.before-requeue", "worker", "before", f"{_JOBS}.requeue"),
    Point("worker.after-requeue", "worker", "after", f"{_JOBS}.requeue"),
    Point("worker.before-release", "worker", "before", f"{_JOBS}.release"),
    Point("worker.after-release", "worker", "after", f"{_JOBS}.release"),
    Point("worker.after-beat", "worker", "after", f"{_JOBS}.beat"),
    Point("reaper.after-taking-back", "", "after", f"{_JOBS}.reap", lambda c: bool(c.result.reclaimed)),
    Point("reaper.before-requesting-a-sweep", "", "before", "shared.queue.job_queue:JobQueue.request_sweep"),
    Point("io.before-delete", "io", "before", "shared.maintenance.garbage:Garbage._remove"),
    Point("io.before-unlisting", "io", "before", "redis:Redis.zrem", _is_garbage),
    Point("io.before-claiming-deliveries", "io", "before", f"{_DELIVERIES}.claim"),
    Point("io.after-claiming-deliveries", "io", "after", f"{_DELIVERIES}.claim", lambda c: bool(c.result)),
    Point("io.before-telling", "io", "before", "worker.webhooks.sender:Sender.post"),
    Point("io.after-telling", "io", "before", f"{_DELIVERIES}.note"),
    Point("io.after-noting", "io", "after", f"{_DELIVERIES}.note"),
    Point("io.while-listing", "io", "before", f"{_TRANSFERS}.end_listing"),
    Point("io.before-adding", "io", "before", _SCRIPT, _script("batches/append")),
    Point("io.after-adding", "io", "after", _SCRIPT, _script("batches/append")),
    Point("io.after-closing", "io", "after", "shared.batches.store:BatchStore.finalize"),
    Point("io.after-putting", "io", "after", "shared.places.folder:_publish"),
    Point("io.after-noting-what-was-put", "io", "after", f"{_TRANSFERS}.note_delivered"),
    # No steps of the table: what the stories and the poisoned jobs need.
    Point("seen.at-batcher", "worker", "before", "worker.execution.batcher:Batcher.call", act=live),
    Point("trouble.at-store", "worker", "before", "worker.pipeline:_store", act=spoil_bytes),
    Point("poison.at-decode", "worker", "before", "worker.kinds.transformation:decode", _is_poisoned),
    Point("poison.at-predict", "worker", "before", _GENERATE, _has_nines, note=_size),
)
