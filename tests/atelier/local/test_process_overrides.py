"""Single processes of an installation may run otherwise than planned."""

import signal
import sys
from pathlib import Path

from atelier.local.processes import changed, changes_of, read_changes, write_changes
from atelier.supervisor.child_process import ChildSpec


def spec(name: str, folder: Path) -> ChildSpec:
    return ChildSpec(
        name=name,
        command=(sys.executable, "-m", "worker"),
        environ={"REDIS_URL": "unix:///server.sock", "KEPT": "1"},
        folder=folder,
        grace_seconds=1,
        orphan_signal=signal.SIGINT,
    )


def test_a_process_gets_its_own_variables_and_wrapper(tmp_path: Path) -> None:
    changes = changes_of({"worker": {"REDIS_URL": "redis://proxy"}}, {"worker": ("/bin/nice", "-n5")})
    run = changed(spec("worker", tmp_path), read_changes(write_changes(tmp_path, changes)))
    assert run.command == ("/bin/nice", "-n5", sys.executable, "-m", "worker")
    assert run.environ == {"REDIS_URL": "redis://proxy", "KEPT": "1"}
    assert run.orphan_signal == signal.SIGINT


def test_others_run_as_planned(tmp_path: Path) -> None:
    planned = spec("worker-2", tmp_path)
    assert changed(planned, changes_of({"worker": {"X": "1"}}, {})) == planned
