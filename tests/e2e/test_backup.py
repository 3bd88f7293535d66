"""A backup that is taken while jobs run, restored into a fresh folder and started."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from atelier.client.client import Client
from atelier.client.job import Job
from atelier.local.stack import SERVER_VARIABLES, RunningStack
from tests.support.images import pictures
from tests.support.waiting import until_running

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

SIDE = 1000  # pixels; long enough to run while the backup is taken


def atelier(folder: Path, *arguments: str) -> str:
    """Run the command in the installation of a folder; return what it printed."""
    environ = {name: value for name, value in os.environ.items() if name not in SERVER_VARIABLES}
    command = [sys.executable, "-m", "atelier", *arguments]
    done = subprocess.run(
        command,
        env={**environ, "ATELIER_STATE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def jobs_in_every_status(client: Client, style: bytes) -> list[Job]:
    """Ask for jobs until there is one that succeeded, failed, was canceled, runs and waits."""
    done = [client.jobs.wait(client.jobs.create({"type": "generate", "seeds": [seed]})) for seed in (1, 2, 3)]
    content, look = client.files.upload(pictures.photo(SIDE, SIDE)), client.files.upload(style)
    client.styles.create("look", style)
    long = {"type": "stylize", "content": content, "styles": [{"name": "look"}]}
    bad = client.jobs.wait(client.jobs.create({**long, "content": client.files.upload(pictures.broken())}))
    unfinished = [client.jobs.create({**long, "styles": [{"image": look}]}) for _ in range(8)]
    canceled = client.jobs.cancel(unfinished.pop())
    until_running(client, unfinished[0])
    return [*done, bad, canceled, *unfinished]


def test_a_backup_of_a_running_system_gives_it_back_whole(
    stack: RunningStack, client: Client, style: bytes, tmp_path: Path
) -> None:
    jobs = jobs_in_every_status(client, style)
    held = json.loads(atelier(stack.folder, "backup", str(tmp_path / "all.tar"), "--json"))
    assert (held["missing"], held["records"]["job"] >= len(jobs)) == ([], True)
    assert "is good" in atelier(tmp_path, "backup", "--check", str(tmp_path / "all.tar"))
    before = [client.jobs.wait(job) for job in jobs]
    atelier(tmp_path / "new", "restore", str(tmp_path / "all.tar"))
    (tmp_path / "new" / "models").symlink_to(stack.folder / "models")
    with RunningStack(tmp_path / "new") as new, new.client() as other:
        after = [other.jobs.wait(job.id, timeout_seconds=120) for job in jobs]
        assert [job.status for job in after] == [job.status for job in before]
        assert {job.status for job in after} == {"succeeded", "failed", "canceled"}
        for mine, yours in zip(before, after, strict=True):
            if mine.succeeded:
                assert other.jobs.download(yours) == client.jobs.download(mine)
        assert other.files.upload(style) == client.files.upload(style)
        assert [kept.name for kept in other.styles.list().stored] == ["look"]
        assert other.jobs.create({"type": "generate", "seeds": [1]}).id not in {job.id for job in jobs}
