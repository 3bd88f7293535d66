"""`atelier batch` in process, against a real API and a worker without models."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atelier.cli import main
from atelier.client.client import Client
from shared.errors import CorruptImage
from shared.jobs.job import Job
from tests.support.images import pictures
from tests.support.jobs.batch_worker import BatchWorker
from tests.support.waiting import eventually

Run = Callable[..., Result]
Tree = dict[str, bytes]


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `atelier batch` on the folder `photos`, into `out`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(pictures.png(40, 40))
    (tmp_path / "b.png").write_bytes(pictures.png(41, 40))

    def invoke(*arguments: object, style: bool = True) -> Result:
        given = ["photos", "--style", "a.png"] if style else []
        return CliRunner().invoke(main, ["--url", url, "batch", *given, "-o", "out", *map(str, arguments)])

    return invoke


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number, name in enumerate(["one.jpg", "two.png", "deep/one.jpg", "deep/er/three.webp"]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = path.suffix.removeprefix(".").replace("jpg", "jpeg")
        path.write_bytes(pictures.photo(40 + number, 30, kind))
    return folder


def tree(folder: Path = Path("out")) -> Tree:
    """Return the pictures below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def items_of(client: Client) -> int:
    return sum(batch.counts["total"] for batch in client.batches.list())


@pytest.mark.usefixtures("artist", "photos")
def test_a_folder_is_mirrored(run: Run, client: Client) -> None:
    answer = run()
    assert answer.exit_code == 0, answer.output
    assert sorted(tree()) == ["deep/er/three.webp", "deep/one.jpg", "one.jpg", "two.png"]
    (batch,) = client.batches.list()
    assert (batch.name, batch.status, batch.counts["succeeded"]) == ("out", "completed", 4)
    assert answer.stdout.startswith("out: 4 new, 0 kept in ")


@pytest.mark.usefixtures("artist", "photos")
def test_a_sample_of_a_folder_is_made_first(run: Run, client: Client) -> None:
    for new, kept in ((2, 0), (0, 2)):  # the second run finds the batch as it is
        answer = run("--sample", 2)
        assert answer.exit_code == 0, answer.output
        assert answer.stdout.startswith(f"out: {new} new, {kept} kept, ")
        (batch,) = client.batches.list()
        assert (batch.stopped_by, len(tree())) == ("sample", 2)
        assert batch.raw["urls"]["contact_sheet"] in answer.stderr
        assert f"`atelier batches resume {batch.id}` goes on" in answer.stderr
    client.batches.get(batch).resume()
    rest = run("--sample", 2)
    assert (rest.exit_code, len(tree()), "sample" in rest.stderr) == (0, 4, False), rest.output
    assert items_of(client) == 4
    assert run("--sample", 2, "--watch").exit_code == 2


@pytest.mark.usefixtures("artist", "photos")
def test_names_tell_styles_and_strengths_apart(run: Run) -> None:
    answer = run("--style", "b.png", "--strength", "0.6,1", "--format", "jpeg", "--json")
    facts = json.loads(answer.stdout)
    assert (answer.exit_code, facts["saved"], facts["uploaded"]) == (0, 16, 6)
    assert [name for name in sorted(tree()) if name.startswith("two")] == [
        "two-a-0.6.jpg",
        "two-a-1.jpg",
        "two-b-0.6.jpg",
        "two-b-1.jpg",
    ]


@pytest.mark.usefixtures("photos")
def test_a_run_of_which_too_much_fails_stops_and_goes_on_when_told(
    run: Run, client: Client, artist: BatchWorker
) -> None:
    def fails_once_all_are_there(_: Job) -> CorruptImage:
        eventually(lambda: items_of(client) == 4)
        return CorruptImage("it ends early")

    artist.verdict = fails_once_all_are_there
    stopped = run("--stop-after-failures", 2, "--json")
    (batch,) = client.batches.list()
    assert (batch.status, batch.counts["failed"], batch.counts["queued"]) == ("paused", 2, 2)
    assert (stopped.exit_code, json.loads(stopped.stdout)["stopped"]) == (5, batch.id)
    assert "stopped: 2 of 2 pictures failed, so the batch paused itself; 2 wait." in stopped.stderr
    assert f"`atelier batches resume {batch.id}` goes on" in stopped.stderr
    assert max(map(len, stopped.stderr.splitlines())) <= 80 + len(batch.id)
    assert run("--json").exit_code == 5  # as long as it is paused
    artist.verdict = lambda _: None
    again = run("--retry-failed", "--json")
    assert (again.exit_code, json.loads(again.stdout)["stopped"]) == (0, None), again.output
    assert len(tree()) == 4
    assert items_of(client) == 4


@pytest.mark.parametrize(("share", "status"), [("0.3", 5), ("0.9", 1)])
@pytest.mark.usefixtures("photos")
def test_a_run_stops_at_a_share_of_failures(run: Run, artist: BatchWorker, share: str, status: int) -> None:
    artist.verdict = lambda job: CorruptImage("no") if (job.index or 0) % 2 else None
    assert run("--stop-at-share", share, "--stop-share-after", 2).exit_code == status


@pytest.mark.usefixtures("photos")
def test_a_second_run_does_nothing_twice(run: Run, client: Client, artist: BatchWorker, photos: Path) -> None:
    assert run().exit_code == 0
    before = tree()
    assert run().stdout.startswith("out: 0 new, 4 kept in ")
    (photos / "new.png").write_bytes(pictures.png(50, 50))
    (photos / "one.jpg").write_bytes(pictures.photo(60, 60))
    Path("out/two.png").unlink()
    Path("out/deep/one.jpg").write_bytes(b"spoiled")
    answer = run("--json")
    facts = json.loads(answer.stdout)
    assert (facts["saved"], facts["kept"], facts["uploaded"]) == (4, 1, 2)
    after = tree()
    assert {name for name in before if after[name] != before[name]} == {"one.jpg"}
    assert len(artist.runs) == items_of(client) == 8


@pytest.mark.usefixtures("artist", "photos")
def test_other_options_are_refused_until_they_are_wanted(run: Run) -> None:
    assert run().exit_code == 0
    refused = run("--strength", "0.5")
    assert refused.exit_code == 1
    assert "strength: none, now 0.5" in refused.stderr
    answer = run("--strength", "0.5", "--new")
    assert (answer.exit_code, answer.stdout[:17]) == (0, "out: 4 new, 0 kep")


def test_what_is_no_picture_is_skipped_and_what_is_broken_is_told(
    run: Run, photos: Path, artist: BatchWorker
) -> None:
    (photos / "notes.txt").write_text("not a picture")
    (photos / ".hidden.jpg").write_bytes(pictures.jpeg())
    (photos / "broken.jpg").write_text("not a picture either")
    (photos / "cut.png").write_bytes(pictures.png()[:20])
    (photos / "gone.jpg").symlink_to(photos / "nowhere")
    (photos / "circle").symlink_to(photos)
    answer = run("--json")
    facts = json.loads(answer.stdout)
    assert (answer.exit_code, facts["saved"]) == (1, 4)
    assert [entry["source"] for entry in facts["skipped"]] == ["notes.txt"]
    assert sorted(entry["source"] for entry in facts["failed"]) == ["broken.jpg", "cut.png", "gone.jpg"]
    artist.verdict = lambda job: CorruptImage("it ends early") if job.custom_id == "seven" else None
    (photos / "seven.png").write_bytes(pictures.png(77, 77))
    assert run().stdout.startswith("out: 0 new, 4 kept, 4 failed (3 photos not sent), 1 skipped in")


def test_names_never_collide(run: Run, photos: Path, artist: BatchWorker) -> None:
    (photos / "one.png").write_bytes(pictures.png(70, 70))
    (photos / "one.webp").write_bytes((photos / "one.jpg").read_bytes())
    answer = run("--json", "--format", "png")
    assert answer.exit_code == 0
    assert {"one.png", "one-png.png", "one-webp.png"} <= tree().keys()
    assert json.loads(answer.stdout)["uploaded"] == 6
    first = tree()
    (photos / "one.bmp").write_bytes(pictures.bmp(20, 20))
    assert run("--format", "png").stdout.startswith("out: 1 new, 6 kept")
    assert first.items() <= tree().items()
    assert "one-bmp.png" in tree()
    assert len(artist.runs) == 7


@pytest.mark.usefixtures("artist")
def test_photos_beside_their_pictures_are_left_alone(
    run: Run, url: str, photos: Path, tmp_path: Path
) -> None:
    own = tmp_path / "out" / "two.png"
    own.parent.mkdir()
    own.write_bytes(pictures.png(9, 9))
    before = tree()
    for _ in range(2):
        assert run().exit_code == 0
        assert before.items() <= tree().items()
    assert sorted(tree()) == ["deep/er/three.webp", "deep/one.jpg", "one.jpg", "two-png.png", "two.png"]
    photo = photos / "one.jpg"
    whole = photo.read_bytes()
    words = ["--url", url, "batch", "photos/one.jpg", "--style", "a.png", "-o", "photos"]
    answer = CliRunner().invoke(main, words)
    assert (answer.exit_code, photo.read_bytes() == whole) == (0, True)
    assert (photos / "one-jpg.jpg").is_file()


@pytest.mark.usefixtures("artist", "photos")
def test_a_time_limit_ends_the_command_and_not_the_work(run: Run, artist: BatchWorker) -> None:
    artist.gate.clear()
    answer = run("--timeout", 1.5)
    assert answer.exit_code == 4, answer.output
    assert "the time is over; the service works on, and the same command goes on from here" in answer.stderr
    artist.gate.set()
    again = run()
    assert (again.exit_code, len(tree()), len(artist.runs)) == (0, 4, 4)


@pytest.mark.usefixtures("artist", "photos")
def test_names_may_follow_a_pattern(run: Run) -> None:
    assert run("--name", "{style}/{folder}/{stem}_{type}").exit_code == 0
    assert "a/deep/er/three_webp.webp" in tree()
    for pattern in ("{oops}", "../{stem}", "{style}", "{stem", "{stem!r}"):
        assert run("--name", pattern).exit_code == 2


@pytest.mark.usefixtures("photos")
def test_failed_items_are_listed_and_tried_again_when_asked(run: Run, artist: BatchWorker) -> None:
    artist.verdict = lambda job: CorruptImage("it ends early") if job.custom_id == "two" else None
    answer = run()
    assert answer.exit_code == 1
    assert "failed: two.png (two.png): corrupt_image: it ends early" in answer.stderr
    again = run()
    assert (again.exit_code, len(artist.runs)) == (1, 4)
    assert "corrupt_image: it ends early" in again.stderr
    artist.verdict = lambda _: None
    mended = run("--retry-failed")
    assert (mended.exit_code, mended.stdout[:17]) == (0, "out: 1 new, 3 kep")
    assert len(artist.runs) == 5
    assert run().exit_code == 0


@pytest.mark.usefixtures("artist", "photos")
def test_failed_items_of_a_batch_that_is_gone_are_sent_anew(
    run: Run, client: Client, artist: BatchWorker
) -> None:
    artist.verdict = lambda job: CorruptImage("it ends early") if job.custom_id == "two" else None
    assert run().exit_code == 1
    artist.verdict = lambda _: None
    client.batches.get(next(client.batches.list())).delete()
    assert run("--retry-failed").stdout.startswith("out: 1 new, 3 kept")


@pytest.mark.usefixtures("artist", "photos")
def test_an_item_that_the_service_refuses_stops_no_other(run: Run, photos: Path) -> None:
    (photos / "wide.png").write_bytes(pictures.png(9000, 8))
    answer = run("--json")
    facts = json.loads(answer.stdout)
    assert (answer.exit_code, facts["saved"]) == (1, 4), answer.output
    assert [entry["source"] for entry in facts["failed"]] == ["wide.png"]


@pytest.mark.usefixtures("artist")
def test_an_unreadable_file_is_told(run: Run, photos: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (photos / "one.jpg").chmod(0)
    answer = run()
    assert (answer.exit_code, "failed: one.jpg: Permission denied" in answer.stderr) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["photos"],
        [],
        ["photos", "--style", "../x"],
        ["photos", "--styles", "5-1"],
        ["photos", "--styles", "x"],
        ["photos", "--style", "a.png", "--strength", "x"],
        ["--jsonl", "a.png", "--template", "a.png"],
        ["photos", "--jsonl", "a.png"],
        ["photos", "--style", "a.png", "--stop-share-after", "3"],
        ["photos", "--style", "a.png", "--stop-at-share", "0"],
        ["photos", "--style", "a.png", "--stop-at-share", "1.5"],
        ["photos", "--style", "a.png", "--stop-after-failures", "0"],
    ],
)
@pytest.mark.usefixtures("photos")
def test_what_makes_no_sense_is_refused(run: Run, arguments: list[str]) -> None:
    assert run(*arguments, style=False).exit_code == 2
