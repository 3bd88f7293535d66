"""Breaks things by the schedule, and records what was broken and what it was working on."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import redis

from tests.chaos import replicated
from tests.chaos.bucket import TROUBLE
from tests.chaos.cluster import Cluster
from tests.chaos.plan import MODEL_WORKERS, Fault
from tests.support.servers.sentinels import SentinelGroup

DELAY_SECONDS = 0.15  # that a slow connection adds to every packet
PREY_SECONDS = 2.0
QUICK_SECONDS, PATIENT_SECONDS = 1.0, 30.0  # for the server to take a setting
ALL = ("redis", "api", "worker-io", *MODEL_WORKERS)


@dataclass(slots=True)
class Strike:
    """A fault as it happened. Times are seconds since the epoch, true time."""

    fault: Fault
    began: float
    ended: float | None = None  # None while it lasts
    pid: int = 0
    held: Mapping[str, int] = field(default_factory=dict)  # job id to attempt: what a struck worker had


class Faults:
    """Carries out the faults of a run, each in another thread."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._stack = cluster.stack
        self._pool = ThreadPoolExecutor(16, "fault")
        self._running: list[Future[None]] = []
        self._lock, self._bucket_turn = threading.Lock(), threading.Lock()
        self.strikes: list[Strike] = []
        self.misses = 0  # faults whose process was down already

    def strike(self, fault: Fault) -> None:
        """Begin a fault; it ends by itself."""
        self._running.append(self._pool.submit(self._carry_out, fault))

    def _carry_out(self, fault: Fault) -> None:
        strike = Strike(fault, time.time())
        try:
            KINDS[fault.kind](self, strike)
        except (KeyError, ProcessLookupError):
            self.misses += 1
            return
        strike.ended = time.time()

    def _note(self, strike: Strike) -> None:
        strike.began = time.time()
        with self._lock:
            self.strikes.append(strike)

    def _signal(self, strike: Strike, number: signal.Signals) -> None:
        strike.pid = self._stack.pid_of(strike.fault.target)
        before = self._await_prey(strike)
        os.kill(strike.pid, number)
        self._note(strike)
        # A dead process moves nothing, so what it holds is best asked for now; one that lives goes on.
        strike.held = self._held(strike) if number == signal.SIGKILL else before

    def _held(self, strike: Strike) -> Mapping[str, int]:
        return self._cluster.held_by(strike.pid) if strike.fault.target in MODEL_WORKERS else {}

    def _await_prey(self, strike: Strike) -> Mapping[str, int]:
        """Give a worker some time to have something that it can lose; return that."""
        deadline = time.monotonic() + PREY_SECONDS
        is_worker = strike.fault.target in MODEL_WORKERS
        while not (held := self._held(strike)) and is_worker and time.monotonic() < deadline:
            time.sleep(0.02)
        return held

    def kill(self, strike: Strike) -> None:
        """SIGKILL."""
        self._signal(strike, signal.SIGKILL)

    def term(self, strike: Strike) -> None:
        """SIGTERM."""
        self._signal(strike, signal.SIGTERM)

    def stop(self, strike: Strike) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        strike.pid = self._stack.pid_of(strike.fault.target)
        self._await_prey(strike)
        strike.pid = self._stack.freeze(strike.fault.target)
        self._note(strike)
        strike.held = self._held(strike)
        time.sleep(strike.fault.seconds)
        self._stack.thaw(strike.pid)

    def kill_all(self, strike: Strike) -> None:
        """SIGKILL to every process at once, as when the machine dies."""
        for name in ALL:
            with suppress(KeyError, ProcessLookupError):
                self._stack.kill(name)
        self._note(strike)

    def _through_proxy(self, strike: Strike, trouble: str) -> None:
        proxy = self._cluster.proxies[strike.fault.target]
        strike.pid = self._stack.processes().get(strike.fault.target, 0)
        strike.held = self._await_prey(strike)
        self._note(strike)
        getattr(proxy, trouble)()
        if strike.fault.seconds:
            time.sleep(strike.fault.seconds)
            proxy.thaw()

    def black_hole(self, strike: Strike) -> None:
        """All bytes of a process's connections to the server are held for a while."""
        self._through_proxy(strike, "freeze")

    def half_open(self, strike: Strike) -> None:
        """The open connections are dead for good, and nobody is told; new ones work."""
        self._through_proxy(strike, "freeze_open")

    def cut(self, strike: Strike) -> None:
        """The open connections are reset."""
        self._through_proxy(strike, "cut")

    def refuse(self, strike: Strike) -> None:
        """No connection is possible for a while."""
        self._through_proxy(strike, "refuse")

    def delay(self, strike: Strike) -> None:
        """Every packet takes longer for a while."""
        proxy = self._cluster.proxies[strike.fault.target]
        self._note(strike)
        proxy.delay(DELAY_SECONDS)
        time.sleep(strike.fault.seconds)
        proxy.thaw()

    def disk_full(self, strike: Strike) -> None:
        """The storage folder has no room for a while."""
        disk = self._cluster.disk
        if disk is None:
            raise KeyError("no disk")
        self._note(strike)
        disk.fill()
        time.sleep(strike.fault.seconds)
        disk.empty()

    def server_full(self, strike: Strike) -> None:
        """The server has no memory for anything new for a while; a restart of it ends that too."""
        try:
            self._set_memory("1mb", seconds=QUICK_SECONDS)
            self._note(strike)
            time.sleep(strike.fault.seconds)
        finally:  # also where the answer was lost: the server may have taken the limit
            self._set_memory("0", seconds=PATIENT_SECONDS)

    def _set_memory(self, limit: str, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._cluster.server.config_set("maxmemory", limit)
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    raise ProcessLookupError("the server is away") from error
                time.sleep(0.1)
                continue
            return

    def kill_primary(self, strike: Strike) -> None:
        """The primary dies, and Sentinels have the replica take its place."""
        self._in_group(strike, replicated.kill_primary)

    def stop_primary(self, strike: Strike) -> None:
        """The primary freezes for a while."""
        self._in_group(strike, replicated.stop_primary)

    def lose_replica(self, strike: Strike) -> None:
        """The replica dies for a while."""
        self._in_group(strike, replicated.lose_replica)

    def _in_group(
        self, strike: Strike, trouble: Callable[[SentinelGroup, float, Callable[[], None]], None]
    ) -> None:
        if self._cluster.group is None:
            raise KeyError("no Sentinels")
        trouble(self._cluster.group, strike.fault.seconds, lambda: self._note(strike))

    def break_bucket(self, strike: Strike) -> None:
        """The bucket is away, frozen, slow or torn off for a while."""
        bucket = self._cluster.bucket
        if bucket is None:
            raise KeyError("no bucket")
        with self._bucket_turn:  # one trouble at a time: each mends all
            self._note(strike)
            TROUBLE[strike.fault.kind](bucket, strike.fault.seconds)

    def settle(self) -> None:
        """Wait until every fault has ended."""
        while self._running:
            self._running.pop().result()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


Break = Callable[[Faults, Strike], None]
KINDS: Mapping[str, Break] = {
    "kill": Faults.kill,
    "term": Faults.term,
    "stop": Faults.stop,
    "kill_all": Faults.kill_all,
    "black_hole": Faults.black_hole,
    "half_open": Faults.half_open,
    "cut": Faults.cut,
    "refuse": Faults.refuse,
    "delay": Faults.delay,
    "disk_full": Faults.disk_full,
    "server_full": Faults.server_full,
    "kill_primary": Faults.kill_primary,
    "stop_primary": Faults.stop_primary,
    "lose_replica": Faults.lose_replica,
    **dict.fromkeys(TROUBLE, Faults.break_bucket),
}
