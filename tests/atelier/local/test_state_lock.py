"""A process that works in a state folder keeps all others out, and says which it is."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from atelier.backup.offline import enter_stopped
from atelier.cli import main
from atelier.local import aof_repair
from atelier.local.aof_repair import newest_file
from atelier.local.redis_server import EmbeddedServer, answers, server_url
from atelier.local.state_folder import StateFolderBusy, StateLock
from shared.settings import Settings

RUN_SERVER = """
import sys, time
from pathlib import Path
from atelier.backup.offline import enter
from shared.settings import Settings
with enter(Settings(state_dir=Path(sys.argv[1]))):
    print("entered", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "REDIS_URL_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A damaged journal in the state folder `tmp_path`."""
    with EmbeddedServer(tmp_path / "redis") as server, redis.Redis.from_url(server.url) as client:
        for number in range(100):
            client.set(f"key:{number}", "value")
    path = newest_file(tmp_path / "redis")
    assert path is not None
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"x" * 20)
    return path


@pytest.fixture
def entered(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that works on a stopped installation, with the installation's own server."""
    (tmp_path / "redis").mkdir()
    command = [sys.executable, "-c", RUN_SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "entered\n"
        yield process
        process.kill()


def cut(folder: Path) -> tuple[int, str, str]:
    answer = CliRunner().invoke(main, ["journal", "--cut", str(folder)])
    return answer.exit_code, answer.stdout, answer.stderr


def test_a_damaged_journal_is_cut_and_the_server_starts_again(tmp_path: Path, damaged: Path) -> None:
    status, output, _ = cut(tmp_path)
    assert (status, "Successfully truncated" in output) == (0, True)
    with EmbeddedServer(tmp_path / "redis") as server, redis.Redis.from_url(server.url) as client:
        assert 30 < client.dbsize() < 100


def test_the_journal_of_a_folder_in_use_is_not_cut(tmp_path: Path, damaged: Path) -> None:
    before = damaged.read_bytes()
    with StateLock(tmp_path).held("atelier up"):
        status, output, error = cut(tmp_path)
    assert (status, output) == (1, "")
    assert "`atelier up` (process" in error
    assert f"uses {tmp_path}" in error
    assert error.count("\n") == 1
    assert damaged.read_bytes() == before


def test_the_journal_of_a_server_that_runs_without_the_lock_is_not_cut(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "redis") as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
        status, _, error = cut(tmp_path)
    assert status == 1
    assert f"a server runs in {tmp_path / 'redis'}" in error


def test_nobody_starts_a_server_while_the_journal_is_being_cut(
    tmp_path: Path, damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def meanwhile(path: Path, **options: object) -> str:
        with pytest.raises(StateFolderBusy) as busy:
            StateLock(tmp_path).take("atelier up")
        refused.append(busy.value.detail)
        return ""

    monkeypatch.setattr(aof_repair, "cut_damage", meanwhile)
    assert cut(tmp_path)[0] == 0
    assert "`atelier journal --cut` (process" in refused[0]
    StateLock(tmp_path).take("atelier up")  # it is free again


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_a_journal_is_named_and_none_is_made(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "state"
    if there:
        (folder / "redis").mkdir(parents=True)
    status, _, error = cut(folder)
    first, advice = error.splitlines()
    assert (status, first) == (1, f"error: {folder} holds no journal of an embedded server")
    assert advice == "name the state folder of a stopped installation, such as .atelier"
    assert folder.exists() is there


def test_a_command_that_works_on_a_stopped_installation_is_named_to_those_it_keeps_out(
    tmp_path: Path, entered: subprocess.Popen[str]
) -> None:
    with pytest.raises(StateFolderBusy, match=rf"\(process {entered.pid}\) uses {tmp_path}"):
        StateLock(tmp_path).take("atelier up")


def test_the_server_of_a_command_that_is_killed_ends_with_it(
    tmp_path: Path, entered: subprocess.Popen[str]
) -> None:
    entered.send_signal(signal.SIGKILL)
    entered.wait()
    StateLock(tmp_path).take("atelier up")  # waits until the server has ended too
    assert not answers(server_url(tmp_path / "redis"))


def test_a_restore_over_a_named_server_keeps_the_state_folder_too(
    tmp_path: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    with enter_stopped(Settings(state_dir=tmp_path)), pytest.raises(StateFolderBusy):
        StateLock(tmp_path).take("atelier up")
    StateLock(tmp_path).take("atelier up")
