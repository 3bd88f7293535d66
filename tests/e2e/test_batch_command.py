"""A folder of photos through the whole installation, by a command that is interrupted twice."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from atelier.client.client import Client
from atelier.local.stack import RunningStack
from tests.support.images import pictures
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

ROOT = Path(__file__).parents[2]
PHOTOS = 20
STYLES = 2


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A tree of photos, of which two are the same, and two styles."""
    for number in range(PHOTOS):
        path = tmp_path / "photos" / ("", "summer", "summer/sea")[number % 3] / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.photo(448 + 8 * min(number, PHOTOS - 2), 448))
    (tmp_path / "a.png").write_bytes(pictures.png(128, 128))
    (tmp_path / "b.jpg").write_bytes(pictures.photo(128, 96))
    return tmp_path


def start(url: str, home: Path, output: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "atelier", "--url", url, "batch", str(home / "photos"), "--json"]
    styles = ["--style", str(home / "a.png"), "--style", str(home / "b.jpg")]
    return subprocess.Popen(
        [*command, *styles, "-o", str(home / output)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("[!.]*.jpg")}


def interrupted(url: str, home: Path, *, at: int) -> None:
    """Run the command until so many pictures are there, then press Ctrl-C."""
    with start(url, home, "out") as running:
        eventually(lambda: len(tree(home / "out")) >= at)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert json.loads(out)["pending"] > 0


def finished(url: str, home: Path, output: str) -> dict[str, int]:
    """Run the command to its end and return what it tells."""
    with start(url, home, output) as running:
        out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    report: dict[str, int] = json.loads(out)
    return report


def test_a_folder_that_was_interrupted_twice_is_whole_and_nothing_was_computed_twice(
    stack: RunningStack, client: Client, home: Path
) -> None:
    interrupted(stack.url, home, at=4)
    interrupted(stack.url, home, at=14)
    last = finished(stack.url, home, "out")
    assert last["saved"] + last["kept"] == PHOTOS * STYLES
    assert last["kept"] >= 14
    runs = [client.batches.get(batch) for batch in client.batches.list() if batch.name == "out"]
    jobs = [job for run in runs for job in run.jobs()]
    assert [(job.status, job.attempt) for job in jobs] == [("succeeded", 1)] * PHOTOS * STYLES
    calm = finished(stack.url, home, "calm")
    assert (calm["saved"], calm["uploaded"]) == (PHOTOS * STYLES, 0)
    made = tree(home / "out")
    assert made == tree(home / "calm")
    stems = [path.relative_to(home / "photos").with_suffix("") for path in (home / "photos").rglob("*.jpg")]
    assert sorted(made) == sorted(f"{stem.as_posix()}-{style}.jpg" for stem in stems for style in "ab")
    assert finished(stack.url, home, "out")["kept"] == PHOTOS * STYLES
