"""One run over a folder: photos are checked, submitted and saved at the same time, until all are done."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from atelier.client.batch_run import BatchRun
from atelier.client.errors import ClientError
from atelier.display.progress_bar import OnRunProgress
from atelier.folder_batch.photo_check import CheckedPhoto, PhotoChecker, WantedPicture, subjects_of
from atelier.folder_batch.photo_source import PhotoSource
from atelier.folder_batch.progress import Key, RunState
from atelier.folder_batch.results import FORGOTTEN, Fetched, Result, fetch, listen
from atelier.folder_batch.scan import Photo, Unread
from atelier.folder_batch.state_file import StateFile
from atelier.folder_batch.submitter import Sent, Submitter
from atelier.folder_batch.uploads import WorkQueue

PAGE_ITEMS = 200  # that one request adds; the next gather while it is sent
TICK_SECONDS = 0.2
END_SECONDS = 1.0  # between a batch's last picture and its end
GRACE_SECONDS = 5.0  # in which an interrupted run ends its requests


class FolderRun:
    """All state belongs to the thread that calls `run`; other threads wait for disks and connections."""

    def __init__(
        self,
        checker: PhotoChecker,
        submitter: Submitter,
        state_file: StateFile,
        run_state: RunState,
        *,
        folder: Path,
        connections: int,
    ) -> None:
        self._checker = checker
        self._submitter = submitter
        self._state_file = state_file
        self._folder = folder
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._checkers = WorkQueue(self._inbox, connections, "check")
        self._sending = WorkQueue(self._inbox, 1, "send")
        self._fetchers = WorkQueue(self._inbox, connections, "fetch")
        self._listening: set[str] = set()  # ids of batches whose results come
        self._drained_now: set[str] = set()  # ids of batches that have no further results
        self._unsaved: set[str] = set()  # ids of batches of which the next run fetches what is not saved
        self._latest: dict[str, dict[str, str]] = {}  # batch: custom id: job, for items tried again
        self._early: dict[Key, Result] = {}  # of photos that are not checked yet
        self.run_state = run_state
        self.interrupted = False

    def adopt(self, run: BatchRun, latest: dict[str, str]) -> None:
        """Wait for the results of a batch that an earlier run sent: `latest` are its items' jobs."""
        items = self._state_file.state.batches[run.id]
        self._latest[run.id] = latest
        self.run_state.in_flight |= {items[name] for name in latest if name in items}
        self._listen(run)

    def run(self, source: PhotoSource, show: OnRunProgress) -> None:
        """Handle all photos of the source; return when all is done, a batch paused itself, or interrupted."""
        while not (self.interrupted or self._is_over(source)):
            self._begin(source)
            self._send()
            self._handle(TICK_SECONDS)
            self._note_ends()
            show(self.run_state.progress)
        if not (self.interrupted or self.run_state.stopped):
            self._await_ends()

    def interrupt(self) -> None:
        """Have the run return soon. A signal handler may call it."""
        self.interrupted = True
        self._inbox.put(lambda: None)  # the run may wait for it

    def wind_down(self) -> None:
        """Start no more work, and handle what ends within the grace time."""
        for work_queue in (self._checkers, self._sending, self._fetchers):
            work_queue.drop()
        deadline = time.monotonic() + GRACE_SECONDS
        while (self._sending.busy or self._fetchers.busy) and time.monotonic() < deadline:
            with suppress(ClientError):
                self._handle(TICK_SECONDS, most=1)
            self._fetchers.drop()

    def _is_over(self, source: PhotoSource) -> bool:
        if self.run_state.stopped:
            return not self._fetchers.busy
        return source.over and self._is_idle()

    def _is_idle(self) -> bool:
        run_state = self.run_state
        busy = self._checkers.busy or self._sending.busy or self._fetchers.busy
        if busy or run_state.unchecked or run_state.ready or self._submitter.is_open:
            return False
        if run_state.pending and not self._listening:
            run_state.give_up(list(run_state.pending.values()), FORGOTTEN)
        return not run_state.pending

    def _handle(self, seconds: float, most: int = 1000) -> None:
        """Call what the inbox holds; wait for some seconds where it is empty."""
        try:
            self._inbox.get(timeout=seconds)()
            for _ in range(most - 1):
                self._inbox.get_nowait()()
        except Empty:
            return

    def _begin(self, source: PhotoSource) -> None:
        found = source.take()
        unread = [entry for entry in found if isinstance(entry, Unread)]
        for plan in (*unread, *self._checker.plans([entry for entry in found if isinstance(entry, Photo)])):
            if isinstance(plan, Unread):
                self.run_state.fail_photo(plan)
                continue
            self.run_state.unchecked += 1
            self._checkers.put(partial(self._checker.check, plan, self.run_state.in_flight), self._checked)

    def _checked(self, checked: CheckedPhoto) -> None:
        self.run_state.take(checked)
        for wanted in checked.in_flight:
            early = self._early.pop(wanted.key, None)
            if early is not None:
                self._settle(early, wanted)

    def _send(self) -> None:
        if self._sending.busy:
            return
        page = self.run_state.page(PAGE_ITEMS)
        if page:
            self._sending.put(partial(self._submitter.send, page), self._sent)
        elif self._submitter.is_open and not self.run_state.unchecked and not self.run_state.ready:
            self._sending.put(self._submitter.finish, lambda _: None)

    def _sent(self, sent: Sent) -> None:
        if sent.run is not None:
            self._listen(sent.run)
        for wanted, reason in sent.refused:
            self.run_state.end(wanted, reason)

    def _listen(self, run: BatchRun) -> None:
        if run.id not in self._listening:
            self._listening.add(run.id)
            listen(run, self._inbox, self)

    def note_pause(self, batch: str, *, paused: bool) -> None:
        """Show that somebody has paused a batch, or that it goes on."""
        self.run_state.note_pause(batch, paused=paused)

    def take(self, result: Result) -> None:
        """Handle a result; ignore one that is not the latest of its item."""
        item, batch = result.item, result.run.id
        key = self._state_file.state.batches[batch].get(item.custom_id)
        if key is None or self._latest.get(batch, {}).get(item.custom_id, item.id) != item.id:
            return
        if self.run_state.is_wanted(key):
            self._settle(result, self.run_state.pending[key[0]])
        else:
            self._early[key] = result

    def _settle(self, result: Result, wanted: WantedPicture) -> None:
        if not result.reason:
            if result.item.warnings:
                self.run_state.warnings[wanted.source] = result.item.warnings
            then = partial(self._fetched, result.run.id)
            self._fetchers.put(partial(fetch, result, wanted, self._folder), then)
            return
        subject = result.subject_of(wanted)
        if result.is_final:
            facts = {"reason": result.reason, "batch": result.run.id, "subject": subject}
            self._state_file.note("spoiled", **wanted.facts, **facts)
        if result.is_final and subject:
            self._refuse(subject, result.reason)
        self.run_state.end(wanted, result.reason, subject)

    def _refuse(self, subject: str, reason: str) -> None:
        """Submit no further picture in a style, or with a mask, that the service cannot use."""
        self._checker.refused[subject] = reason
        unsent, self.run_state.ready = self.run_state.ready, deque()
        for wanted in unsent:
            if subject in subjects_of(wanted.body):
                self.run_state.end(wanted, reason, subject)
            else:
                self.run_state.ready.append(wanted)

    def _fetched(self, batch: str, fetched: Fetched) -> None:
        wanted = fetched.wanted
        if fetched.is_there_still:
            self._unsaved.add(batch)
        if not fetched.reason:
            self._state_file.note("saved", **wanted.facts, sha256=fetched.sha256)
        self.run_state.end(wanted, fetched.reason)

    def end(self, run: BatchRun, *, stopped: bool) -> None:
        """Note that no further results of a batch come; where it has paused itself, end the run."""
        self._listening.discard(run.id)
        if stopped:
            self.run_state.stopped = run.batch
        else:
            self._drained_now.add(run.id)

    def _await_ends(self) -> None:
        """Wait a moment for the ends of batches that are done: the next run need not ask for them then."""
        deadline = time.monotonic() + END_SECONDS
        while self._listening and time.monotonic() < deadline:
            self._handle(TICK_SECONDS)
        self._note_ends()

    def _note_ends(self) -> None:
        """Note which batches have no further results, once all their pictures are saved."""
        if not (self._fetchers.busy or self.run_state.unchecked):
            for batch in self._drained_now - self._unsaved:
                self._state_file.note("ended", batch=batch)
            self._drained_now.clear()
