"""`atelier batch` where something is wrong with a photo, its place, the disk or a style: the rest is made."""

import errno
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from atelier.cli import main
from atelier.client.client import Client
from shared.errors import CorruptImage
from tests.support.faulty_disk import FaultyDisk
from tests.support.images import pictures
from tests.support.jobs.batch_worker import BatchWorker
from tests.support.small_disk import SmallDisk
from tests.support.waiting import eventually

CODES = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.ENOENT)
Run = Callable[..., Result]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three photos, one of them in a folder `bad`, and a style beside them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "style.png").write_bytes(pictures.png(40, 40))
    folder = tmp_path / "photos"
    for number, name in enumerate(("one.jpg", "bad/two.jpg", "three.jpg")):
        write(folder / name, number)
    return folder


@pytest.fixture
def run(url: str, photos: Path, artist: BatchWorker) -> Run:
    """Run `atelier batch` on the photos."""

    def invoke(*arguments: object, style: str = "style.png", output: str = "out") -> Result:
        words = ["--url", url, "batch", "photos", "--style", style, "-o", output, *map(str, arguments)]
        return CliRunner().invoke(main, words)

    return invoke


def write(path: Path, number: int, kind: str = "jpeg") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pictures.photo(40 + number, 30, kind))


def made(folder: str = "out") -> list[str]:
    files = (path for path in Path(folder).rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path.relative_to(folder).as_posix() for path in files)


def facts(answer: Result) -> dict[str, Any]:
    assert answer.stdout, answer.stderr or answer.exception
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def failed(answer: Result) -> list[str]:
    return sorted(entry["source"] for entry in facts(answer)["failed"])


@pytest.mark.slow
@pytest.mark.parametrize("first", range(2))
def test_a_fault_at_any_step_of_a_photo_ends_no_other(
    run: Run, artist: BatchWorker, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    with monkeypatch.context() as patch:
        disk = FaultyDisk(patch, "bad")
        assert facts(run("--json", output="whole"))["saved"] == 3
        steps = list(disk.steps)
        assert {"iterdir", "open", "read", "write", "replace", "mkdir"} <= set(steps)
        for place in range(first, len(steps), 2):
            artist.runs.clear()
            disk.begin(place, CODES[place % len(CODES)])
            broken = run("--json", output=f"out{place}")
            where = f"{steps[place]} ({place}): {broken.output}"
            assert {"one.jpg", "three.jpg"} <= set(made(f"out{place}")), where
            listed = [name for name in failed(broken) if name.startswith("bad")]
            assert len(failed(broken)) == len(listed), where
            assert broken.exit_code == (1 if listed else 0), where
            assert listed or "bad/two.jpg" in made(f"out{place}"), where
            disk.begin()
            again = run("--json", output=f"out{place}")
            assert (again.exit_code, facts(again)["failed"]) == (0, []), f"{where}\n{again.output}"
            assert made(f"out{place}") == ["bad/two.jpg", "one.jpg", "three.jpg"], where
            assert len(artist.runs) == 3, where  # nothing was painted twice


def test_photos_that_differ_by_type_only_are_all_made(run: Run, photos: Path) -> None:
    for number in range(12):  # enough for a page of several
        write(photos / f"{number}.jpg", number)
        write(photos / f"{number}.png", number, "png")
    answer = run("--json")
    assert (answer.exit_code, facts(answer)["failed"], facts(answer)["saved"]) == (0, [], 27)
    assert {"7.jpg", "7.png"} <= set(made())


LONG = {
    "80 Chinese characters": "画" * 80,
    "as long as a name may be": "n" * 251,
    "cut within a character": "é" * 125,
}


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
def test_a_photo_with_a_long_name_is_made_like_others(run: Run, photos: Path, name: str) -> None:
    write(photos / f"{name}.jpg", 7)
    write(photos / f"{name[:-1]}x.jpg", 8)
    answer = run("--style", "style.png", "--strength", "0.5,1", "--json")
    assert (answer.exit_code, facts(answer)["failed"], facts(answer)["saved"]) == (0, [], 20)
    names = made()
    assert len(names) == 20
    assert max(len(Path(name).name.encode()) for name in names) <= 255
    again = facts(run("--style", "style.png", "--strength", "0.5,1", "--json"))
    assert (again["saved"], again["kept"]) == (0, 20)


@pytest.mark.parametrize("order", [1, -1])
def test_a_photo_beside_a_folder_of_its_pictures_name_is_made(run: Run, photos: Path, order: int) -> None:
    for step in ("photo", "folder")[::order]:
        if step == "photo":
            write(photos / "x.jpg", 7)
        else:
            write(photos / "x.png" / "y.jpg", 8)
        answer = run("--format", "png", "--json")
        assert (answer.exit_code, facts(answer)["failed"]) == (0, [])
    together = run("--format", "png", "--json", output="together")
    assert (together.exit_code, len(made()), len(made("together"))) == (0, 5, 5)
    assert {"x-jpg.png", "x.png/y.png"} <= set(made("together"))


def test_a_place_that_is_taken_or_closed_is_told_before_anything_is_painted(
    run: Run, photos: Path, artist: BatchWorker
) -> None:
    write(photos / "closed" / "four.jpg", 9)
    assert run().exit_code == 0
    for name in ("one.jpg", "bad/two.jpg", "three.jpg", "closed/four.jpg"):
        Path("out", name).unlink()
    Path("out/one.jpg").mkdir()
    Path("out/bad").rmdir()
    Path("out/bad").write_text("a file")
    Path("out/closed").rmdir()
    Path("out/closed").symlink_to("/proc/self")  # also root writes nothing there
    artist.runs.clear()
    answer = run("--json")
    assert (answer.exit_code, made()) == (1, ["bad", "three.jpg"])
    assert failed(answer) == ["bad/two.jpg", "closed/four.jpg", "one.jpg"]
    assert len(artist.runs) == 1
    reasons = {entry["target"]: entry["reason"] for entry in facts(answer)["failed"]}
    assert "is a folder" in reasons["one.jpg"]
    assert "bad is not a folder" in reasons["bad/two.jpg"]


def test_a_photo_of_which_no_name_can_be_made_stops_no_other(run: Run, url: str, photos: Path) -> None:
    write(photos / "...jpg", 7)
    words = ["--url", url, "batch", "photos/...jpg", "photos/one.jpg", "--style", "style.png", "-o", "out"]
    answer = CliRunner().invoke(main, [*words, "--json"])
    assert (answer.exit_code, made(), failed(answer)) == (1, ["one.jpg"], ["...jpg"])


def test_names_that_differ_by_case_only_get_different_names(run: Run, photos: Path) -> None:
    for number, name in enumerate(("ONE.jpg", "stra\u00dfe.jpg", "STRASSE.jpg", "e\u0301.jpg", "\u00e9.jpg")):
        write(photos / name, 10 + number)
    answer = run("--json")
    assert (answer.exit_code, facts(answer)["saved"]) == (0, 8)
    assert len({name.casefold() for name in made()}) == 8
    assert facts(run("--json"))["kept"] == 8


@pytest.fixture
def disk(photos: Path, tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of a few MiB, on which the pictures of a first run lie."""
    with SmallDisk(tmp_path / "small", mebibytes=4) as small:
        yield small


def test_a_full_disk_is_told_of_every_photo_and_loses_none(
    run: Run, photos: Path, disk: SmallDisk, artist: BatchWorker
) -> None:
    assert facts(run("--json", output="small/out"))["saved"] == 3
    write(photos / "four.jpg", 4)
    write(photos / "five.jpg", 5)
    disk.fill()
    full = run("--json", output="small/out")
    assert (full.exit_code, facts(full)["kept"], failed(full)) == (1, 3, ["five.jpg", "four.jpg"])
    assert all("No space left on device" in entry["reason"] for entry in facts(full)["failed"])
    disk.empty()
    again = run("--json", output="small/out")
    assert (again.exit_code, facts(again)["saved"], facts(again)["kept"]) == (0, 2, 3)
    assert len(artist.runs) == 5


def test_a_disk_that_fills_up_while_photos_are_painted_has_nothing_painted_twice(
    run: Run, disk: SmallDisk, artist: BatchWorker, client: Client
) -> None:
    def fill() -> None:
        eventually(lambda: sum(batch.counts["queued"] for batch in client.batches) == 3)
        disk.fill()
        artist.gate.set()

    artist.gate.clear()
    filling = threading.Thread(target=fill)
    filling.start()
    full = run("--json", output="small/out")
    filling.join()
    assert (full.exit_code, failed(full)) == (1, ["bad/two.jpg", "one.jpg", "three.jpg"])
    assert {entry["reason"] for entry in facts(full)["failed"]} == {
        "it cannot be saved: No space left on device"
    }
    disk.empty()
    again = run("--json", output="small/out")
    assert (again.exit_code, facts(again)["saved"], len(artist.runs)) == (0, 3, 3)
    assert facts(run("--json", output="small/out"))["kept"] == 3


def test_broken_styles_are_told_once_before_any_photo_is_sent(run: Run, client: Client) -> None:
    Path("broken.png").write_bytes(pictures.png()[:20])
    Path("text.jpg").write_text("not a picture")
    Path("mask.png").write_text("not a picture either")
    answer = run("--style", "broken.png", "--style", "text.jpg")
    assert (answer.exit_code, answer.stderr.count("broken.png"), answer.stderr.count("text.jpg")) == (2, 1, 1)
    assert "--style" in answer.stderr
    assert "style.png" not in answer.stderr
    masked = run("--mask", "mask.png")
    assert (masked.exit_code, masked.stderr.count("mask.png"), "--mask" in masked.stderr) == (2, 1, True)
    assert list(client.batches) == []
    assert not Path("out").exists()
    assert len(client._transport.send("GET", "/v1/files").json()["data"]) == 1  # the good style alone


def blames(field: str) -> CorruptImage:
    return CorruptImage.of_field(field, "The png image cannot be read: it is damaged or ends too early.")


def test_a_style_that_breaks_in_the_worker_is_told_once(
    run: Run, photos: Path, artist: BatchWorker, client: Client
) -> None:
    Path("other.png").write_bytes(pictures.png(41, 40))
    bad = client.upload(Path("other.png"))
    artist.verdict = lambda job: (
        blames("/styles/0/image") if job.spec.styles[0].image == bad else None  # type: ignore[union-attr]
    )
    answer = run("--style", "other.png", "--json")
    told = facts(answer)
    assert (answer.exit_code, told["saved"], told["failed"]) == (1, 3, [])
    (blamed,) = told["options"]
    assert (blamed["option"], blamed["pictures"]) == ("--style other.png", 3)
    again = run("--style", "other.png")
    lines = [line for line in again.stderr.splitlines() if line.startswith("failed")]
    assert (again.exit_code, len(lines)) == (1, 1)
    assert lines[0].startswith("failed: --style other.png: corrupt_image: The png image")
    assert lines[0].endswith("; 3 pictures were not made")
    artist.runs.clear()
    write(photos / "later.jpg", 9)
    later = run("--style", "other.png", "--json")
    assert (facts(later)["options"][0]["pictures"], facts(later)["saved"]) == (4, 1)


def test_a_photo_that_breaks_in_the_worker_is_blamed_itself(run: Run, artist: BatchWorker) -> None:
    artist.verdict = lambda job: blames("/content") if job.custom_id == "one" else None
    answer = run("--json")
    assert (answer.exit_code, failed(answer), facts(answer)["options"]) == (1, ["one.jpg"], [])


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--strength", "7", "--strength"),
        ("--steadiness", "3", "--steadiness"),
        ("--model", "oops", "oops"),
    ],
)
def test_an_option_that_no_item_may_have_is_told_once(
    run: Run, photos: Path, client: Client, option: str, value: str, said: str
) -> None:
    for number in range(20):
        write(photos / f"{number}.jpg", number)
    answer = run(option, value)
    assert answer.exit_code == 2
    assert "failed:" not in answer.stderr
    assert (answer.stderr.count(said), "one.jpg" in answer.stderr) == (1, False)
    assert all(batch.counts["total"] == 0 for batch in client.batches)
    assert run().exit_code == 0  # nothing was made with the other options, so they are free to change


def test_a_file_that_is_too_large_is_neither_read_nor_sent(
    run: Run, photos: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = photos / "huge.tif"
    with huge.open("wb") as file:
        file.write(pictures.tiff())
        file.truncate(900 * 1024 * 1024)
    for name in ("film.mp4", "film"):
        with (photos / name).open("wb") as file:
            file.write(b"\0\0\0\x18ftypmp42")
            file.truncate(900 * 1024 * 1024)
    answer = run("--json")
    told = facts(answer)
    assert (answer.exit_code, told["saved"], failed(answer)) == (1, 3, ["huge.tif"])
    assert sorted(entry["source"] for entry in told["skipped"]) == ["film", "film.mp4"]
    limits = client.limits()
    assert limits is not None
    assert f"at most {limits.max_bytes}" in told["failed"][0]["reason"]
    refused = CliRunner().invoke(
        main, ["--url", client.base_url, "stylize", str(huge), "--style", "style.png", "-o", "x.png"]
    )
    assert (refused.exit_code, "more than" in refused.stderr) == (2, True)
    as_style = run(style=str(huge))
    assert (as_style.exit_code, as_style.stderr.count("huge.tif")) == (2, 1)


def test_a_photo_whose_file_ends_too_early_is_painted_and_named(run: Run, artist: BatchWorker) -> None:
    artist.warnings = ("truncated",)
    answer = run()
    text = "the file of a picture that was sent ends too early; what is missing of it is empty"
    assert answer.exit_code == 0
    assert made() == ["bad/two.jpg", "one.jpg", "three.jpg"]
    named = sorted(line for line in answer.stderr.splitlines() if line.startswith("warning:"))
    assert named == [f"warning: {name}: {text}" for name in ("bad/two.jpg", "one.jpg", "three.jpg")]
    told = facts(run("--json", output="other"))["warnings"]
    assert {"source": "one.jpg", "codes": ["truncated"]} in told
