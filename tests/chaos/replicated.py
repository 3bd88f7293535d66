"""What breaks where Sentinels watch a primary and a replica: one server at a time, back when it is over."""

import os
import signal
import threading
import time
from collections.abc import Callable

from tests.support.servers.sentinels import DOWN_SECONDS, SentinelGroup

OF_OWN_SERVER = frozenset({"black_hole", "half_open", "cut", "refuse", "delay", "server_full"})
REPLICAS = 1
Note = Callable[[], None]  # says that the fault has struck
# One after the other: who has lost both servers has no promise.
_TURN = threading.Lock()


def kill_primary(group: SentinelGroup, seconds: float, note: Note) -> None:
    """SIGKILL to the primary, which comes back as a replica so many seconds after the failover."""
    with _TURN:
        group.await_replicas(REPLICAS)
        old = group.primary()
        group.kill(old)
        note()
        new = group.await_failover(old)
        time.sleep(seconds)
        group.start(old, primary=new)
        group.await_replicas(REPLICAS)


def stop_primary(group: SentinelGroup, seconds: float, note: Note) -> None:
    """SIGSTOP to the primary, and SIGCONT after a while: there may be another primary by then."""
    with _TURN:
        group.await_replicas(REPLICAS)
        pid = group.pid_of(group.primary())
        os.kill(pid, signal.SIGSTOP)
        note()
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
        time.sleep(2 * DOWN_SECONDS)  # for the Sentinels to see that it is back
        group.await_replicas(REPLICAS)


def lose_replica(group: SentinelGroup, seconds: float, note: Note) -> None:
    """SIGKILL to the replica, which comes back after a while: until then nothing new is promised."""
    with _TURN:
        group.await_replicas(REPLICAS)
        primary = group.primary()
        group.kill(1 - primary)
        note()
        time.sleep(seconds)
        group.start(1 - primary, primary=primary)
        group.await_replicas(REPLICAS)
