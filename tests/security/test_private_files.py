"""What Atelier writes is for its user alone, whatever the umask is, and it trusts no folder of others."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer, socket_path
from atelier.local.stack import RunningStack
from atelier.local.state_folder import UpRecord, read_record, write_record
from shared.private_files import UnsafeFolder
from tests.support.waiting import eventually

WRITERS = """
import os, sys
from pathlib import Path
os.umask(0)
from atelier.client.downloads import write_whole
from atelier.local.processes import ProcessChange, write_changes
from atelier.local.redis_server import EmbeddedServer
from atelier.local.state_folder import StateLock, UpRecord, write_record
from atelier.backup.offline import OfflineInstallation
from atelier.backup.backup import take_backup
from shared.cards.card import load_catalog
from shared.redis.client import connect
from shared.settings import Settings
from shared.storage.object_store import open_object_store
from worker.health import write_health
from worker.models.store import ModelStore
state = Path(sys.argv[1])
settings = Settings(state_dir=state)
StateLock(state).take("a test")
write_record(state, UpRecord(1, "", "redis://:secret@x"))
write_changes(state, {"api": ProcessChange({"A": "secret"})})
write_health(state / "deep" / "worker.health", "", [])
open_object_store(settings.storage).put("inputs/a/b", b"picture")
ModelStore(settings.models).pull(load_catalog().get("mnist-dcgan"))
with EmbeddedServer(state / "redis") as server, connect(server.url) as client:
    client.set("a", "b")
    installation = OfflineInstallation(settings, client, open_object_store(settings.storage))
    take_backup(installation, state / "backup.tar", lambda *_: None)
"""


def open_to_others(folder: Path) -> list[str]:
    """Return what others may look at, with its mode; what goes meanwhile is passed over."""
    found = []
    for path in (folder, *folder.rglob("*")):
        try:
            mode = stat.S_IMODE(path.lstat().st_mode)
        except FileNotFoundError:
            continue
        if mode & 0o077 and not path.is_symlink():
            found.append(f"{path.relative_to(folder)} {mode:04o}")
    return found


def test_every_writer_sets_the_rights_of_what_it_makes(tmp_path: Path) -> None:
    state = tmp_path / "above" / "state"
    command = [sys.executable, "-c", WRITERS, str(state)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("REDIS_URL")}
    subprocess.run(command, env=environ, check=True, timeout=120)
    assert len(list(state.rglob("*"))) > 15
    assert open_to_others(tmp_path / "above") == []


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("no_umask")
def test_a_whole_installation_is_for_its_user_alone(tmp_path: Path) -> None:
    with RunningStack(tmp_path / "state") as stack, stack.client() as client:
        job = client.jobs.create({"type": "generate", "seed": 1})
        assert client.jobs.wait(job, timeout_seconds=60).succeeded
        assert open_to_others(tmp_path / "state") == []
        stack.kill("worker-io")
        eventually(lambda: "worker-io" in stack.processes())
    assert open_to_others(tmp_path / "state") == []


def test_an_older_state_folder_is_closed(tmp_path: Path) -> None:
    server = tmp_path / "state" / "redis"
    with EmbeddedServer(server):
        pass
    for path in (server, *server.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with EmbeddedServer(server):
        assert open_to_others(server) == []


def up(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "atelier", "up", "--port", "0", "--state-dir", str(folder)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("REDIS_URL")}
    return subprocess.run(
        command, env={**variables, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_state_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    answer = up(folder)
    assert (answer.returncode, list(folder.iterdir())) == (78, [])
    assert f"ATELIER_STATE_DIR: other users may write to {folder} (mode {mode:04o})" in answer.stderr


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")


@needs_root
def test_a_state_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    os.chown(tmp_path / "state", 12345, 12345)
    answer = up(tmp_path / "state")
    assert answer.returncode == 78
    assert "belongs to another user (uid 12345)" in answer.stderr
    assert list((tmp_path / "state").iterdir()) == []


@needs_root
def test_the_record_of_somebody_else_sends_no_command_anywhere(tmp_path: Path) -> None:
    write_record(tmp_path, UpRecord(os.getpid(), "http://elsewhere.example", "redis://elsewhere.example"))
    assert read_record(tmp_path) is not None
    os.chown(tmp_path / "up.json", 12345, 12345)
    assert read_record(tmp_path) is None


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server's folder whose path is too long for a socket: that lies in the temp folder."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / ("deep" * 30) / "redis"


def test_a_socket_folder_is_made_for_this_user_alone(deep: Path) -> None:
    EmbeddedServer(deep)
    assert stat.S_IMODE(socket_path(deep).parent.lstat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["open", "link", "file", pytest.param("foreign", marks=needs_root)])
def test_a_socket_folder_that_somebody_else_prepared_is_refused(
    deep: Path, tmp_path: Path, kind: str
) -> None:
    place = socket_path(deep).parent
    if kind == "link":
        (tmp_path / "own").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "own")
    elif kind == "file":
        place.touch()
    else:
        place.mkdir(mode=0o700)
    if kind == "open":
        place.chmod(0o770)
    if kind == "foreign":
        os.chown(place, 12345, 12345)
    with pytest.raises((UnsafeFolder, FileExistsError)):
        EmbeddedServer(deep)
