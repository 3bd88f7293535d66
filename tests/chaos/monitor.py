"""Looks at the installation ten times a second: who runs, who is ready, who holds how many attempts."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from atelier.local.stack import StackFailed
from shared.identifiers import ANONYMOUS
from shared.redis.keys import PREFIX
from shared.specs.parts import Lane
from tests.chaos.cluster import Cluster, pid_in
from tests.chaos.plan import MODEL_WORKERS

PERIOD_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Times are seconds since the epoch, true time."""

    at: float
    server_answers: bool
    processes: Mapping[str, int]  # process ids by name
    held: Mapping[int, int]  # attempts by process id, those of ready workers that hold none too
    waiting: int  # jobs in the lines


class Monitor:
    """A thread that keeps all samples of a run."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
        self.samples: list[Sample] = []

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD_SECONDS):
            self.samples.append(self._look())

    def _look(self) -> Sample:
        at = time.time()
        try:
            held, waiting = self._ask()
        except redis.RedisError:
            return Sample(at, False, self._processes(), {}, 0)
        return Sample(at, True, self._processes(), held, waiting)

    def _processes(self) -> Mapping[str, int]:
        try:
            return self._cluster.stack.processes()
        except StackFailed:  # the record is being replaced
            return {}

    def _ask(self) -> tuple[dict[int, int], int]:
        server = self._cluster.server
        ids = server.zrange(f"{PREFIX}leases", 0, -1)
        pipeline = server.pipeline(transaction=False)
        for line in (*(f"line:{lane}:{ANONYMOUS}" for lane in Lane), "delayed"):
            pipeline.zcard(f"{PREFIX}{line}")
        pipeline.smembers(f"{PREFIX}workers")
        for job_id in ids:
            pipeline.hget(f"{PREFIX}job:{job_id}", "worker")
        interactive, bulk, delayed, roster, *workers = pipeline.execute()
        held = {pid_in(worker): 0 for worker in roster}
        for worker in workers:
            pid = pid_in(worker or "")
            held[pid] = held.get(pid, 0) + 1
        return held, interactive + bulk + delayed


def is_calm(sample: Sample) -> bool:
    """Whether all model workers are ready and nobody has anything to do."""
    pids = [sample.processes.get(name, 0) for name in MODEL_WORKERS]
    return sample.server_answers and not sample.waiting and all(sample.held.get(pid) == 0 for pid in pids)


def as_json(samples: list[Sample]) -> str:
    """Return the samples as lines of JSON, to find the cause of a finding."""
    rows = ([s.at, s.server_answers, dict(s.processes), dict(s.held), s.waiting] for s in samples)
    return "".join(json.dumps(row) + "\n" for row in rows)
