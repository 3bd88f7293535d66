"""A server's journal that was cut or damaged, with the real server."""

import os
import subprocess
import time
from pathlib import Path

import pytest
import redis

from atelier.local.aof_repair import AofWatch, cut_damage, cut_zeros, newest_file
from atelier.local.redis_server import EmbeddedServer, answers, server_command, server_url
from atelier.local.state_folder import StateLock

ENTRIES = 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stopped server's folder, with entries in its journal."""
    folder = tmp_path / "redis"
    with EmbeddedServer(folder) as server, redis.Redis.from_url(server.url) as client:
        for number in range(ENTRIES):
            client.set(f"key:{number}", "value")
    return folder


@pytest.fixture
def journal(folder: Path) -> Path:
    path = newest_file(folder)
    assert path is not None
    return path


def entries(folder: Path) -> int:
    with EmbeddedServer(folder) as server, redis.Redis.from_url(server.url) as client:
        found: int = client.dbsize()
    return found


class ServerLog:
    """What the log of a server says of its journal."""

    def __init__(self, folder: Path) -> None:
        self.reports: list[str] = []
        self.gave_up: list[str] = []
        self.watch = AofWatch(folder, say=self.reports.append, give_up=self.gave_up.append)

    def start(self, folder: Path) -> None:
        """Start and stop the server, as the supervisor would, or see that it cannot."""
        self.watch.prepare()
        with subprocess.Popen(server_command(folder), stdout=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 20
            while process.poll() is None and not answers(server_url(folder)):
                assert time.monotonic() < deadline
            process.terminate()
            assert process.stdout is not None
            for line in process.stdout:
                self.watch.read_line(line)


@pytest.mark.parametrize("lost_bytes", [1, 7, 25])
def test_a_torn_end_is_cut_away_and_told_and_all_else_is_there(
    folder: Path, journal: Path, lost_bytes: int
) -> None:
    whole = journal.stat().st_size
    os.truncate(journal, whole - lost_bytes)
    log = ServerLog(folder)
    log.start(folder)
    rest = whole - lost_bytes - journal.stat().st_size
    assert f"its last {rest} bytes were cut away" in log.reports[0]
    assert (len(log.reports), log.gave_up) == (1, [])
    assert entries(folder) == ENTRIES - 1


def test_zeros_that_a_power_cut_left_are_cut_away_and_told(folder: Path, journal: Path) -> None:
    with journal.open("ab") as file:
        file.write(bytes(200_000))
    log = ServerLog(folder)
    log.start(folder)
    assert log.reports[0].startswith("the journal ended in 200000 zero bytes")
    assert entries(folder) == ENTRIES


def test_a_whole_journal_is_left_alone_without_a_word(folder: Path, journal: Path) -> None:
    before = journal.read_bytes()
    log = ServerLog(folder)
    log.start(folder)
    assert (log.reports, log.gave_up) == ([], [])
    assert journal.read_bytes() == before


def test_the_first_start_has_no_journal(tmp_path: Path) -> None:
    log = ServerLog(tmp_path)
    log.watch.prepare()
    assert log.reports == []


def test_damage_further_up_stops_the_start_and_says_what_to_do(folder: Path, journal: Path) -> None:
    damage(journal)
    log = ServerLog(folder)
    log.start(folder)
    assert f"{journal} is damaged" in log.gave_up[0]
    assert "atelier restore" in log.gave_up[0]
    assert f"atelier journal --cut {folder.parent}" in log.gave_up[0]


def damage(journal: Path) -> None:
    """Overwrite some bytes in the middle."""
    with journal.open("r+b") as file:
        file.seek(journal.stat().st_size // 2)
        file.write(b"x" * 20)


def test_the_server_tool_leaves_a_good_journal_alone(journal: Path) -> None:
    before = journal.read_bytes()
    with StateLock(journal.parents[2]).held("a test") as lock:
        assert "valid" in cut_damage(journal, lock=lock)
    assert journal.read_bytes() == before


@pytest.mark.parametrize("zeros", [0, 1, 65_536, 150_000])
def test_zeros_are_counted_across_blocks(tmp_path: Path, zeros: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"entry\0in\r\n" + bytes(zeros))
    assert cut_zeros(path) == zeros
    assert path.read_bytes() == b"entry\0in\r\n"
