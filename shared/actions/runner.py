"""Carries out bulk actions, some jobs at a time. Any number of processes may do so, and each may die."""

import logging
import threading
from collections.abc import Callable

from shared.actions.action import Action, ActionStatus, Deed
from shared.actions.store import ActionStore
from shared.errors import AtelierError
from shared.identifiers import new_job_id
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.redis.client import store_errors
from shared.redis.memory_guard import MemoryGuard

log = logging.getLogger("atelier.actions")

FOUND = 200  # jobs that are listed at once
ACTED = 10  # jobs that one script acts on; this blocks the server for 1 to 2 ms
LEASE_MS = 10_000  # an action whose process died, or met an error, goes on after this
LOOK_SECONDS = 0.5


class ActionRunner:
    """Goes on with the actions that are not over, in turns."""

    def __init__(self, store: JobStore, memory: MemoryGuard) -> None:
        self._store = store
        self._memory = memory
        self._scripts = store.scripts
        self._actions = ActionStore(store)
        self._queries = JobQueries(store)
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, name="actions", daemon=True).start()

    def stop(self) -> None:
        """Stop after the current step; another process, or the next start, goes on."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.go_on(until=self._stopping.is_set)
            except AtelierError as error:  # the lease ends, and the action goes on
                log.warning("action waits", extra={"code": error.code, "detail": error.whole})
            except Exception:  # without this thread no action goes on
                log.exception("action met a fault of the program")

    def go_on(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Go on with all actions to their end, one step of each after the other; raise StoreUnavailable."""
        held = self._take("")
        while held and not until():
            self._step(held)
            held = self._take(held)

    def _take(self, held: str) -> str:
        return str(self._scripts.run("actions/take", LEASE_MS, held))

    def _step(self, action_id: str) -> None:
        action = self._actions.read(action_id)
        if action is None or action.status is not ActionStatus.RUNNING:
            with store_errors():
                self._store.client.zrem(self._scripts.keys("action_work"), action_id)
        elif self._left(action_id):
            self._act(action)
        else:
            self._find(action)

    def _left(self, action_id: str) -> int:
        with store_errors():
            return int(self._store.client.llen(self._scripts.keys("action_jobs", action_id)))

    def _find(self, action: Action) -> None:
        page = self._queries.page(
            action.of, action.only, limit=FOUND, cursor=action.cursor, items=action.items
        )
        ids = [job.id for job in page.items if action.means(job)]
        if action.deed is Deed.RETRY:
            ids.reverse()  # a job before those that take its output
        to_do = () if action.dry_run else ids
        next_cursor = page.next_cursor or ""
        self._scripts.run("actions/find", action.id, action.cursor, next_cursor, len(ids), *to_do)

    def _act(self, action: Action) -> None:
        left = 1
        while left and not self._stopping.is_set():
            left = self._retry(action) if action.deed is Deed.RETRY else self._act_on_some(action)

    def _act_on_some(self, action: Action) -> int:
        tombstone = self._store.rules.tombstone_seconds * 1000
        return int(self._scripts.run("actions/act", action.id, ACTED, tombstone))

    def _retry(self, action: Action) -> int:
        self._memory.check()
        ids = [new_job_id() for _ in range(ACTED)]
        return int(self._scripts.run("actions/retry", action.id, self._store.quotas.model_dump_json(), *ids))
