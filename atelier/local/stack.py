"""A whole installation for a block of code: `atelier up` in a process, on a free port, in a folder."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from atelier.client.client import Client
from atelier.local.processes import ROOT, changes_of, write_changes
from atelier.local.state_folder import UpRecord, read_record
from shared.errors import AtelierError
from shared.private_files import FOLDER_MODE, make_folder, open_private

START_SECONDS = 180.0
STOP_SECONDS = 60.0
LOG_FILE = "up.log"
SERVER_VARIABLES = ("REDIS_URL", "REDIS_URL_FILE")


class StackFailed(AtelierError):
    """Raised when an installation ended, or was not ready in time; notes are the end of its log."""

    code = "stack_failed"
    title = "The installation did not start"

    def __init__(self, detail: str, log: Sequence[str] = ()) -> None:
        super().__init__(detail)
        for line in log:
            self.add_note(line)

    def __str__(self) -> str:
        return "\n".join((self.detail, *getattr(self, "__notes__", ())))


class RunningStack:
    """Starts on entering, is ready inside, and stops on leaving, or with the process that holds it.

    `environ` is added to this process's environment; a REDIS_URL counts only if it comes that way. For single
    processes (redis, api, worker, worker-2..., worker-io), `environ_of` adds variables, such as a REDIS_URL
    that leads through a proxy, and `wrap` sets words before the command, the first a program's path.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        strict: bool = False,
        environ: Mapping[str, str] | None = None,
        environ_of: Mapping[str, Mapping[str, str]] | None = None,
        wrap: Mapping[str, tuple[str, ...]] | None = None,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self.folder = folder.absolute()
        self._changes = changes_of(environ_of or {}, wrap or {})
        self._options = ["--workers", str(workers), *(["--strict"] if strict else [])]
        inherited = {name: value for name, value in os.environ.items() if name not in SERVER_VARIABLES}
        self._environ = {**inherited, **(environ or {})}
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the API."""
        return self._record().url

    @property
    def redis_url(self) -> str:
        """URL of the server that holds the jobs."""
        return self._record().redis_url

    def processes(self) -> Mapping[str, int]:
        """Return process ids by name: redis, api, worker, worker-2..., worker-io. Restarts change them."""
        return self._record().processes

    def pid_of(self, name: str) -> int:
        """Return a process's id; KeyError while it is down between two runs."""
        return self.processes()[name]

    def signal(self, name: str, number: int) -> int:
        """Send one process a signal, and return its id; KeyError or ProcessLookupError while it is down."""
        pid = self.pid_of(name)
        os.kill(pid, number)
        return pid

    def kill(self, name: str) -> int:
        """End one process as a crash would, and return its id; it is started again."""
        return self.signal(name, signal.SIGKILL)

    def freeze(self, name: str) -> int:
        """Stop a process and its children where they are, and return its id. Too long, and it is replaced."""
        pid = self.pid_of(name)
        os.killpg(pid, signal.SIGSTOP)
        return pid

    def thaw(self, pid: int) -> None:
        """Let a frozen process go on, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGCONT)

    def client(self) -> Client:
        """Return a client of this installation."""
        return Client(self.url)

    def log_text(self) -> str:
        """Return everything that the processes have logged."""
        return (self.folder / LOG_FILE).read_text("utf-8", "replace")

    def _record(self) -> UpRecord:
        record = read_record(self.folder)
        if record is None:
            raise StackFailed(f"no installation runs in {self.folder}")
        return record

    def start(self) -> None:
        """Start everything and return when it is ready; raise StackFailed."""
        make_folder(self.folder)
        self.folder.chmod(FOLDER_MODE)
        command = [sys.executable, "-m", "atelier", "up", "--state-dir", str(self.folder), "--port", "0"]
        changes = ["--changes", str(write_changes(self.folder, self._changes))]
        with open_private(self.folder / LOG_FILE, "ab") as log:
            self._process = subprocess.Popen(
                [*command, "--until-stdin-closes", *changes, *self._options],
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._await_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._start_seconds
        while not self._is_ready(process.pid):
            if process.poll() is not None:
                raise StackFailed(f"it ended with status {process.returncode}", self._end_of_log())
            if time.monotonic() > deadline:
                raise StackFailed(f"not ready within {self._start_seconds:g} s", self._end_of_log())
            time.sleep(0.05)

    def _is_ready(self, pid: int) -> bool:
        record = read_record(self.folder)
        return record is not None and record.pid == pid and record.ready

    def _end_of_log(self) -> list[str]:
        return self.log_text().splitlines()[-30:]

    def stop(self) -> None:
        """Stop everything in order."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its processes are tied to it
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
