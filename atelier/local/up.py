"""`atelier up`: a whole installation on one machine, from nothing to ready, and back in order."""

import os
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import redis

from atelier.local.listen_socket import listen, url_of
from atelier.local.missing_models import missing_models
from atelier.local.processes import Changes, Installation, wanted_models
from atelier.local.readiness import ReadyWatch, is_alive
from atelier.local.redis_server import START_SECONDS, refusal
from atelier.local.state_folder import StateLock, UpRecord, remove_record, write_record
from atelier.supervisor.child_process import Child, ChildSpec
from atelier.supervisor.process_log import LOGS, ProcessLog
from atelier.supervisor.supervisor import Shutdown, Supervisor
from shared.access.exposure import check_exposure
from shared.access.store import KeyStore
from shared.errors import ModelUnavailable, StoreUnavailable
from shared.network_settings import without_secrets
from shared.redis.client import connect
from shared.redis.scripts import Scripts
from shared.redis.server_check import check_server
from shared.settings import EXIT_CONFIGURATION, Settings, SettingsError
from shared.storage.identity import check_identity
from shared.storage.places import check_cards, check_models, check_storage
from worker.tuning.tuned import find_tuned

IO_PATIENCE_SECONDS = 20.0  # for the API; then the io worker starts all the same


class Up:
    """One run of an installation. Call `run` from the main thread."""

    def __init__(
        self, settings: Settings, *, shutdown: Shutdown, log: ProcessLog, changes: Changes | None = None
    ) -> None:
        self._settings = settings
        self._shutdown = shutdown
        self._log = log
        self._folder = settings.state_dir.absolute()
        self._lock = StateLock(self._folder)
        self._plan = Installation(settings, (self._lock.descriptor,), changes or {})
        self._supervisor = Supervisor(log, shutdown, on_change=self._note_processes)
        self._record = UpRecord(os.getpid(), "", self._plan.redis_url)
        self._tuner: Child | None = None
        self._adopts_storage = False

    def run(self, *, workers: int, strict: bool, tune: bool = False, adopt_storage: bool = False) -> int:
        """Start everything, keep it running until a shutdown, end it in order; return the exit status.

        Raises StateFolderBusy, CannotListen, StoreUnavailable, ModelUnavailable or SettingsError with what to
        do about it.
        """
        for check in (check_storage, check_cards, check_models):
            check(self._settings)
        self._lock.take("atelier up")
        own = self._settings.api
        with self._log.kept_in(self._folder / LOGS), listen(own.host, own.port) as listener:
            self._record = replace(self._record, url=url_of(listener))
            self._adopts_storage = adopt_storage
            try:
                if self._start(listener, workers=workers, strict=strict):
                    self._tune(is_wanted=tune)
                    self._supervisor.run_until(lambda: False)
            finally:
                listener.close()  # first, so that no client is taken in any more
                self._stop()
        return self._supervisor.exit_status

    def _check_store(self) -> None:
        """Raise SettingsError if the job store can never do, or goes with another storage.

        Likewise if others would reach the API and there is no key.
        """
        with connect(self._plan.redis_url) as client:
            check_server(client)
            check_exposure(self._settings, KeyStore(Scripts(client)))
            check_identity(self._settings, client, adopt=self._adopts_storage)

    def _start(self, listener: socket.socket, *, workers: int, strict: bool) -> bool:
        """Start everything; return False where a shutdown came first."""
        began = time.monotonic()
        if self._plan.has_own_server:
            server = self._plan.server(strict=strict, say=self._log.say, give_up=self._supervisor.give_up)
            self._supervisor.start_phase([server])
        if not self._await_server():
            return False
        self._log.say("the job store answers")
        self._check_store()
        if not self._pull_models():
            return False
        self._supervisor.start_phase(self._plan.model_workers(workers))
        self._supervisor.start_phase([self._plan.api(listener.fileno(), self._record.url)])
        return self._start_io_worker() and self._await_ready(began)

    def _start_io_worker(self) -> bool:
        """Start it when the API answers: two cores are enough for two processes that start, and no more."""
        deadline = time.monotonic() + IO_PATIENCE_SECONDS
        watch = ReadyWatch(self._record.url, is_alive)
        went_on = self._supervisor.run_until(lambda: watch.has_succeeded() or time.monotonic() > deadline)
        watch.stop()
        if went_on:
            self._supervisor.start_beside("worker", self._plan.io_worker())
        return went_on

    def _await_server(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        url = self._plan.redis_url
        trouble = refusal(url)
        if trouble and not self._plan.has_own_server:
            self._log.say(f"waiting for the server that REDIS_URL names, {without_secrets(url)}: {trouble}")

        def settled() -> bool:
            nonlocal trouble, deadline
            trouble = refusal(url)
            if isinstance(trouble, redis.BusyLoadingError):  # a large journal takes long to load
                deadline = time.monotonic() + START_SECONDS
            return trouble is None or time.monotonic() > deadline

        went_on = self._supervisor.run_until(settled)
        if went_on and trouble:
            raise self._no_server(trouble)
        return went_on

    def _no_server(self, trouble: redis.RedisError) -> Exception:
        url = without_secrets(self._plan.redis_url)
        if self._plan.has_own_server:
            return StoreUnavailable(f"the server at {url} does not answer: {trouble}")
        remedy = "start that server, or name another; without REDIS_URL an embedded server is used"
        return SettingsError(f"REDIS_URL: {url} does not answer: {trouble}; {remedy}")

    def _pull_models(self) -> bool:
        """Pull missing models in another process, as TensorFlow's memory is free when it ends.

        The service starts without models of the operator's own cards that cannot be pulled.
        """
        names = missing_models(self._settings)
        if not names:
            return True
        self._log.say(f"pulling {', '.join(names)}")
        puller = Child(self._command("models", "models", "pull", *names), self._log.line)
        puller.start()
        try:
            went_on = self._supervisor.run_until(lambda: puller.ended() is not None)
        finally:
            puller.kill()
        if went_on and puller.last_status != 0:
            self._judge_missing(puller.last_status)
        return went_on

    def _judge_missing(self, status: int | None) -> None:
        missing = missing_models(self._settings)
        needed = [
            card.name for card in wanted_models(self._settings) if card.is_carried and card.name in missing
        ]
        if needed:
            kind = SettingsError if status == EXIT_CONFIGURATION else ModelUnavailable
            raise kind(f"{', '.join(needed)} could not be pulled; the lines above say why")
        if missing:
            self._log.say(f"WARNING: {', '.join(missing)} could not be pulled; starting without")

    def _command(self, name: str, *words: str) -> ChildSpec:
        return ChildSpec(
            name=name,
            command=(sys.executable, "-m", "atelier", *words),
            environ=self._plan.environ(),
            folder=Path.cwd(),  # a card may name a folder relative to it
            grace_seconds=0,
        )

    def _await_ready(self, began: float) -> bool:
        if not self._supervisor.run_until(self._supervisor.are_ready):
            return False
        watch = ReadyWatch(self._record.url)
        try:
            if not self._supervisor.run_until(watch.has_succeeded):
                return False
        finally:
            watch.stop()
        self._record = replace(self._record, ready=True)
        self._supervisor.was_ready = True
        write_record(self._folder, self._record)
        self._greet(time.monotonic() - began)
        return True

    def _greet(self, seconds: float) -> None:
        url = self._record.url
        self._log.say(f"ready after {seconds:.1f} s: {url}  (documentation: {url}/docs; Ctrl-C stops)")
        self._log.say(f"try: curl -F content=@photo.jpg -F style=@painting.jpg {url}/v1/jobs/stylize")

    def _tune(self, *, is_wanted: bool) -> None:
        """Start measuring this machine for the time when no job runs, or say how it is done."""
        if find_tuned(self._settings).settings is not None:
            return
        if not is_wanted:
            self._log.say("not tuned for this machine: see `atelier tune`, or start with --tune")
            return
        self._log.say(
            "will measure this machine once no job has run for a minute; used from the next start on"
        )
        self._tuner = Child(self._command("tune", "tune", "--when-idle"), self._log.line)
        self._tuner.start()

    def _note_processes(self, processes: Mapping[str, int]) -> None:
        self._record = replace(self._record, processes=processes)
        write_record(self._folder, self._record)

    def _stop(self) -> None:
        self._log.say("stopping; once more stops at once")
        self._record = replace(self._record, ready=False)
        if self._tuner is not None:
            self._tuner.kill()
        self._supervisor.stop()
        remove_record(self._folder)
        self._log.say("stopped")
