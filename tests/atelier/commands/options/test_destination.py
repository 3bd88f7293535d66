"""Where commands write: what -o names happens, or it is refused before anything is sent."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atelier.cli import main
from atelier.client.client import Client
from atelier.commands.options.destination import OutputFile, OutputFolder, OutputPictures
from tests.support.http.trouble import Trouble
from tests.support.images import pictures
from tests.support.jobs.fake_worker import PICTURE, FakeWorker
from tests.support.models.transform_card import write_card

Run = Callable[..., Result]
UNWRITABLE = "/proc"  # also for root
REFUSED = [
    ("x.bmp", "no format is called .bmp; use .png, .jpg, .jpeg, .webp, .gif"),
    ("v1.2", "no format is called .2"),
    ("missing/x.png", "the folder missing does not exist; make it first"),
    ("a.png/x.png", "a.png/x.png cannot be written: Not a directory"),
    ("plain", "plain is not a folder, and a folder is needed"),
    ("plain/deep/", "plain is not a folder, and a folder is needed"),
    (f"{UNWRITABLE}/x.png", f"the folder {UNWRITABLE} cannot be written"),
    (f"{UNWRITABLE}/new/", f"the folder {UNWRITABLE} cannot be written"),
    ("/dev/null", "/dev/null is not a folder"),
    ("pipe.png", "pipe.png is not a regular file"),
    (f"{'x' * 300}.png", "File name too long"),
    (f"{'x' * 300}/", "File name too long"),
]  # fmt: skip
MAKERS = {
    "generate": ["generate"],
    "stylize": ["stylize", "a.png", "--style", "a.png"],
    "transform": ["transform", "a.png", "--model", "colorizer"],
    "watch": ["watch", "job_1"],
}


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command against the test's API, in a folder with a picture, a file and a pipe."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(pictures.png())
    (tmp_path / "plain").write_text("a file")
    os.mkfifo(tmp_path / "pipe.png")
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


def files(folder: Path | str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_sent(
    run: Run, trouble: Trouble, maker: list[str]
) -> None:
    for named, reason in REFUSED:
        answer = run(*maker, "-o", named)
        assert (answer.exit_code, trouble.requests) == (2, []), named
        assert reason in " ".join(answer.stderr.split())


AT_ODDS: list[tuple[list[object], str]] = [
    (["generate", "--count", 3, "-o", "x.png"], "x.png takes one picture, and there are several"),
    (["generate", "--seeds", "1,2", "-o", "x.png"], "takes one picture"),
    (["generate", "--interpolate", "1,2", "-o", "x.png"], "takes one picture"),
    (["generate", "--count", 3, "-o", "-"], "the standard output takes one picture"),
    (["generate", "-o", "-", "--json"], "-o - and --json"),
    (["generate", "--format", "jpeg", "-o", "x.png"], "-o x.png says png, and --format says jpeg"),
    (["stylize", "a.png", "--style", "a.png", "-o", "x.jpg", "--format", "webp"], "says jpeg, and"),
    (["stylize", "a.png", "--style", "a.png", "--preview", "p.png"], "must end in .jpg or .jpeg"),
    (["stylize", "a.png", "--style", "a.png", "--preview", "missing/p.jpg"], "missing does not exist"),
    (["stylize", "a.png", "--style", "a.png", "--preview", "."], "is a folder, and a file is needed"),
    (["styles", "sheet", "-o", "all.png"], "must end in .jpg or .jpeg"),
    (["styles", "sheet", "-o", "new/"], "is a folder, and a file is needed"),
    (["styles", "sheet", "-o", "missing/all.jpg"], "missing does not exist"),
    (["styles", "sheet", "-o", "/dev/null"], "is not a regular file"),
    (["batch", "a.png", "--style", "a.png", "-o", "x.png"], "x.png is the name of a picture"),
    (["batch", "a.png", "--style", "a.png", "-o", "-"], "writes a folder"),
    (["batch", "a.png", "--style", "a.png", "-o", "plain"], "is not a folder"),
    (["batch", "a.png", "--style", "a.png", "-o", f"{UNWRITABLE}/x"], "cannot be written"),
    (["batches", "fetch", "batch_1", "-o", "plain/x"], "is not a folder"),
    (["batches", "fetch", "batch_1", "-o", "-"], "writes a folder"),
    (["train", "mnist-dcgan", "--data", "a.npz", "--out", f"{UNWRITABLE}/run"], "cannot be written"),
    (["train", "mnist-dcgan", "--data", "a.npz", "--out", "plain"], "is not a folder"),
    (["demo", "--output", f"{UNWRITABLE}/demo"], "cannot be written"),
    (["backup", "missing/all.zip"], "missing does not exist"),
    (["backup", f"{UNWRITABLE}/all.zip"], "cannot be written"),
    (["backup", "/dev/null"], "is not a regular file"),
]  # fmt: skip


def test_what_a_name_cannot_mean_is_refused_before_anything_is_sent(
    run: Run, trouble: Trouble, tmp_path: Path
) -> None:
    before = files(tmp_path)
    for arguments, reason in AT_ODDS:
        answer = run(*arguments)
        assert answer.exit_code == 2, (arguments, answer.output)
        assert reason in " ".join(answer.stderr.split())
    assert trouble.requests == []
    assert files(tmp_path) == before


@pytest.mark.parametrize("named", ["digits/", "digits", "deep/er/digits/", "v1.2/"])
@pytest.mark.usefixtures("busy_worker")
def test_the_same_seed_again_adds_no_second_file(run: Run, named: str) -> None:
    first, second = (run("generate", "--seed", 7, "-o", named) for _ in range(2))
    assert first.stdout == second.stdout == f"{Path(named)}/mnist-dcgan-seed-7.png\n"
    assert files(named) == ["mnist-dcgan-seed-7.png"]


@pytest.mark.usefixtures("busy_worker")
def test_pictures_that_differ_have_names_that_differ(run: Run) -> None:
    ways = [
        [], ["--digit", 3], ["--digit", 4], ["--truncation", 0.5], ["--truncation", 0.6], ["--upscale", 2],
        ["--upscale", 2, "--filter", "lanczos"], ["--digits", "12"], ["--grid"], ["--grid", "--columns", 2],
        ["--format", "webp"],
    ]  # fmt: skip
    names = [json.loads(run("generate", "--seed", 7, *way, "-o", "out/", "--json").stdout) for way in ways]
    assert (
        len({file for job in names for file in job["files"]}) == len(ways) - 1
    )  # the worker makes png alone
    assert "out/mnist-dcgan-digit-3-seed-7.png" in names[1]["files"]


@pytest.mark.usefixtures("busy_worker")
def test_a_photo_in_a_style_has_one_name_in_a_folder(run: Run, client: Client, tmp_path: Path) -> None:
    client.styles.create("waves", pictures.png(9, 9))
    (tmp_path / "my photo.jpg").write_bytes(pictures.jpeg())
    photo = ["stylize", "my photo.jpg", "--style", "waves", "-o", "out/"]
    first, second, other = run(*photo), run(*photo), run(*photo, "--strength", 0.5)
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout != other.stdout
    assert all(answer.stdout.startswith("out/my_photo-waves-magenta-mobile-") for answer in (first, other))
    assert len(files("out")) == 2


@pytest.mark.usefixtures("busy_worker")
def test_without_a_place_the_picture_comes_into_this_folder(run: Run) -> None:
    assert run("generate", "--seed", 7).stdout == "mnist-dcgan-seed-7.png\n"
    assert run("generate", "--seed", 7, "-o", ".").stdout == "mnist-dcgan-seed-7.png\n"


@pytest.mark.usefixtures("busy_worker")
def test_one_picture_goes_to_the_standard_output(run: Run, services: object, tmp_path: Path) -> None:
    write_card(services.settings.cards)  # type: ignore[attr-defined]
    before = files(tmp_path)
    for maker in (*list(MAKERS.values())[:3], ["generate", "--count", 3, "--grid"]):
        answer = run(*maker, "-o", "-")
        assert (answer.exit_code, answer.stdout_bytes) == (0, PICTURE)
    assert run("styles", "sheet", "-o", "-").stdout_bytes.startswith(b"\xff\xd8\xff")
    assert files(tmp_path) == before


def test_a_picture_is_not_sent_to_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.commands.options.destination.is_terminal", lambda: True)
    for command in (["generate", "-o", "-"], ["styles", "sheet", "-o", "-"], ["backup", "-"]):
        answer = run(*command)
        assert (answer.exit_code, "the standard output is a terminal" in answer.stderr) == (2, True)


@pytest.mark.parametrize(("named", "kind"), [("x.jpg", "JPEG"), ("x.JPEG", "JPEG"), ("x.webp", "WEBP")])
def test_the_name_says_the_format(run: Run, client: Client, named: str, kind: str) -> None:
    run("generate", "--timeout", 0.05, "-o", named)
    (job,) = client.jobs.list()
    assert job.input["output"]["format"] == kind.lower()


@pytest.mark.usefixtures("busy_worker")
def test_names_may_be_as_long_as_the_disk_takes(run: Run) -> None:
    name = f"{'x' * 251}.png"
    assert run("generate", "-o", name).exit_code == 0
    assert Path(name).read_bytes() == PICTURE


def test_watch_saves_what_the_job_makes(run: Run, client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create({"type": "generate", "seed": 7})
    worker.run(job.id)
    assert run("watch", job.id, "-o", "out/").stdout == "out/mnist-dcgan-seed-7.png\n"
    assert run("watch", job.id, "-o", "one.png").stdout == "one.png\n"
    assert Path("one.png").read_bytes() == PICTURE
    assert "succeeded: http" in run("watch", job.id).stdout


def test_what_was_not_made_in_time_is_told_how_to_have(run: Run, client: Client) -> None:
    answer = run("generate", "--timeout", 0.1, "-o", "x.png")
    (job,) = client.jobs.list()
    assert (answer.exit_code, f"`atelier watch {job.id} -o x.png`" in answer.stderr) == (4, True)


def test_a_service_that_goes_away_for_good_is_told_with_the_job_and_how_to_go_on(
    run: Run, client: Client, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atelier.client.retries.PATIENCE_SECONDS", 0.3)
    trouble.lose += ["GET"] * 500
    answer = run("generate", "-o", "a b.png")
    trouble.lose.clear()
    (job,) = client.jobs.list()
    assert answer.exit_code == 3
    assert f"once the service answers, `atelier watch {job.id} -o 'a b.png'` takes it up" in answer.stderr


def test_every_option_that_names_an_output_is_checked() -> None:
    """A new command cannot forget it."""
    from tests.atelier.commands.test_service_option import leaves

    outputs = {"output", "out", "preview"}
    types = (OutputFile, OutputFolder, OutputPictures)
    named = [
        (name, option) for name, command in leaves() for option in command.params if option.name in outputs
    ]
    assert len(named) >= 9
    assert [name for name, option in named if not isinstance(option.type, types)] == []


LIKE_INPUTS = {
    "the photo": ["stylize", "a.png", "--style", "b.png", "-o", "a.png"],
    "a style": ["stylize", "a.png", "--style", "b.png", "-o", "b.png"],
    "a mask": ["stylize", "a.png", "--style", "b.png", "--mask", "c.jpg", "-o", "c.jpg"],
    "another way to it": ["stylize", "a.png", "--style", "b.png", "-o", "deep/../a.png"],
    "a link": ["stylize", "a.png", "--style", "b.png", "-o", "soft.png"],
    "a hard link": ["stylize", "a.png", "--style", "b.png", "-o", "hard.png"],
    "a preview": ["stylize", "c.jpg", "--style", "b.png", "--preview", "c.jpg", "-o", "x.png"],
    "a preview as the result": ["stylize", "a.png", "--style", "b.png", "--preview", "x.jpg", "-o", "x.jpg"],
    "a picture": ["transform", "a.png", "--model", "colorizer", "-o", "a.png"],
    "training data": ["train", "mnist-dcgan", "--data", "data", "--out", "data/run"],
    "training photos": ["train", "stylizer", "--style", "a.png", "--photos", "data", "--out", "data/run"],
}


@pytest.mark.parametrize("words", LIKE_INPUTS.values(), ids=LIKE_INPUTS)
def test_no_output_takes_the_place_of_what_a_command_reads(
    run: Run, trouble: Trouble, words: list[str]
) -> None:
    for name in ("deep", "data/one", "data/two"):
        Path(name).mkdir(parents=True)
    Path("b.png").write_bytes(pictures.png(40, 40))
    Path("c.jpg").write_bytes(pictures.jpeg())
    Path("soft.png").symlink_to("a.png")
    Path("hard.png").hardlink_to("a.png")
    before = {path: path.read_bytes() for path in map(Path, ("a.png", "b.png", "c.jpg"))}
    answer = run(*words)
    assert (answer.exit_code, "name " in answer.stderr) == (2, True), answer.output
    assert before == {path: path.read_bytes() for path in before}
    assert trouble.requests == []
