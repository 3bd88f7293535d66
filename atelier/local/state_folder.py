"""The state folder of an installation: the lock that one command holds, and the record of `atelier up`."""

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from atelier.client.downloads import write_whole
from atelier.local.redis_server import names_server
from shared.errors import AtelierError
from shared.private_files import FILE_MODE
from shared.settings import Settings
from shared.small_file import read_small
from shared.storage.places import require_private_folder

RECORD_FILE = "up.json"
LOCK_FILE = "up.lock"
PATIENCE_SECONDS = 3.0  # in which the processes of a killed command end


_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class StateFolderBusy(AtelierError):
    """Raised when another command works in the state folder."""

    code = "state_folder_busy"
    title = "The state folder is in use"


class StateLock:
    """Locks a state folder. Child processes inherit the descriptor: the lock lasts until the last has ended.

    Raises SettingsError where the folder cannot be written, or others own it or may write there.
    """

    def __init__(self, folder: Path) -> None:
        require_private_folder("ATELIER_STATE_DIR", folder)
        self._path = folder / LOCK_FILE
        self.descriptor = os.open(self._path, _LOCK_FLAGS, FILE_MODE)
        os.fchmod(self.descriptor, FILE_MODE)

    def take(self, command: str) -> None:
        """Take the folder for a command, or raise StateFolderBusy with the command that has it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._try():
            if time.monotonic() > deadline:
                raise StateFolderBusy(self._busy())
            time.sleep(0.1)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()} {command}".encode(), 0)

    @contextmanager
    def held(self, command: str) -> Iterator[int]:
        """Hold the folder for a block, which gets the descriptor; raise StateFolderBusy."""
        try:
            self.take(command)
            yield self.descriptor
        finally:
            os.close(self.descriptor)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            return False
        return True

    def _busy(self) -> str:
        holder, _, command = os.pread(self.descriptor, 100, 0).decode("ascii", "replace").partition(" ")
        return (
            f"`{command or 'atelier up'}` (process {holder or 'unknown'}) uses {self._path.parent}; "
            "stop it or wait until it has ended, or name another state folder"
        )


@dataclass(frozen=True, slots=True)
class UpRecord:
    """A running installation."""

    pid: int  # of the supervisor
    url: str
    redis_url: str
    ready: bool = False  # /readyz has responded with 200
    processes: Mapping[str, int] = field(default_factory=dict)  # process ids by name

    @property
    def is_running(self) -> bool:
        """Whether the supervisor lives; after a kill its record stays."""
        return Path(f"/proc/{self.pid}").exists()


_RECORD = TypeAdapter(UpRecord)


def write_record(folder: Path, record: UpRecord) -> None:
    """Replace the record; readers see the old one or the new. On a full disk the old file is written over."""
    data = json.dumps(asdict(record), indent=1).encode()
    try:
        write_whole(folder / RECORD_FILE, data, private=True)
    except OSError:
        with suppress(OSError):  # the processes matter more than the record of them
            _write_over(folder / RECORD_FILE, data)


def _write_over(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()


def read_record(folder: Path) -> UpRecord | None:
    """Return the record of a state folder; None where nothing runs, or nothing that can be read.

    A record that another user wrote counts for nothing: commands would send pictures where it says.
    """
    try:
        if (folder / RECORD_FILE).stat().st_uid != os.geteuid():
            return None
        return _RECORD.validate_json(read_small(folder / RECORD_FILE), strict=True)
    except (OSError, ValueError):
        return None


def read_running(folder: Path) -> UpRecord | None:
    """Return the record of a state folder in which `atelier up` runs now; None where it does not."""
    record = read_record(folder)
    return record if record is not None and record.is_running else None


def running_server_url(settings: Settings) -> str:
    """Return the URL of the server that REDIS_URL names, else of the `atelier up` that runs, else ""."""
    if names_server(os.environ):
        return settings.redis_url
    running = read_running(settings.state_dir.absolute())
    return running.redis_url if running else ""


def remove_record(folder: Path) -> None:
    """Note that nothing runs any more."""
    (folder / RECORD_FILE).unlink(missing_ok=True)
