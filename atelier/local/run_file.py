"""The file in which a running `atelier up` says where it is and which processes it runs."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from atelier.client.downloads import write_whole
from shared.small_file import read_small

RECORD_FILE = "up.json"


@dataclass(frozen=True, slots=True)
class UpRecord:
    """A running installation."""

    pid: int  # of the supervisor
    url: str
    redis_url: str
    ready: bool = False  # /readyz has answered 200
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
        write_whole(folder / RECORD_FILE, data)
    except OSError:
        with suppress(OSError):  # what is said there matters less than the processes that it tells of
            _write_over(folder / RECORD_FILE, data)


def _write_over(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()


def read_record(folder: Path) -> UpRecord | None:
    """Return the record of a state folder; None where nothing runs, or nothing that can be read."""
    try:
        return _RECORD.validate_json(read_small(folder / RECORD_FILE), strict=True)
    except (OSError, ValueError):
        return None


def remove_record(folder: Path) -> None:
    """Note that nothing runs any more."""
    (folder / RECORD_FILE).unlink(missing_ok=True)
