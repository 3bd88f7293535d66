"""Holds a job that never ends, as native code that hangs does. Arguments: server URL, two job ids."""

import sys
import threading

from shared.jobs.store import JobStore
from shared.redis.client import connect
from shared.setting_groups import JobRules
from worker.execution.attempt import AttemptsInFlight
from worker.process.heartbeat import Heartbeat

url, stuck, neighbour = sys.argv[1:]
store = JobStore(connect(url), JobRules(lease_seconds=0.5, hard_limit_seconds=1))
held = AttemptsInFlight()
with held.hold(store.claim(stuck, "w1")):
    Heartbeat(store, held, on_beat=lambda: None, on_away=lambda _: None)
    threading.Event().wait(0.8)
    with held.hold(store.claim(neighbour, "w1")):
        threading.Event().wait(30)
