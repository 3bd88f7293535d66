"""`--dry-run` of the commands that make pictures: what they say, and that nothing stays of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from shared.identifiers import ANONYMOUS
from tests.support.images import pictures
from tests.support.jobs.batch_worker import BatchWorker

Run = Callable[..., Result]


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `atelier` in a folder with a photo and a style."""
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(pictures.photo(60, 40, "jpeg"))
    Path("style.png").write_bytes(pictures.png(40, 40))
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


def page_of(answer: Result) -> dict[str, str]:
    return dict(line.split("\t") for line in answer.stdout.splitlines())


def stored(services: Services) -> int:
    return len(services.files.page(ANONYMOUS).items)


def test_digits_are_estimated_and_not_made(run: Run, client: Client) -> None:
    answer = run("generate", "--count", 3, "-o", "out/", "--dry-run")
    page = page_of(answer)
    assert (answer.exit_code, page["items"], page["accepted"]) == (0, "1", "yes"), answer.output
    assert page["pictures"].startswith("3, ")
    assert list(client.jobs.list()) == []
    assert not Path("out").exists()


def test_what_would_be_refused_is_told(run: Run, client: Client) -> None:
    answer = run("generate", "--digit", 3, "--model", "nothing-such", "--dry-run")
    assert (answer.exit_code, page_of(answer)["accepted"]) == (1, "no"), answer.output
    assert answer.stderr.startswith("refused: ")
    told = json.loads(run("generate", "--model", "nothing-such", "--dry-run", "--json").stdout)
    assert (told["object"], told["accepted"], told["refused_items"]) == ("estimate", False, 1)
    assert list(client.jobs.list()) == []


def test_a_painting_is_estimated_and_no_picture_is_kept(run: Run, client: Client, services: Services) -> None:
    style = ("--style", "style.png", "--mask", "style.png")
    told = json.loads(run("stylize", "photo.jpg", *style, "--dry-run", "--json").stdout)
    assert (told["accepted"], told["pictures"], told["pixels"]) == (True, 1, 60 * 40), told["problems"]
    assert (stored(services), list(client.jobs.list())) == (0, [])
    Path("photo.jpg").write_bytes(b"\xff\xd8\xff no photo")
    broken = run("stylize", "photo.jpg", *style, "--dry-run")
    assert (broken.exit_code, page_of(broken)["accepted"], stored(services)) == (1, "no", 0)
    assert "content" in broken.stderr


def test_a_transformation_is_estimated(run: Run, services: Services) -> None:
    answer = run("transform", "photo.jpg", "--model", "nothing-such", "--dry-run")
    assert (answer.exit_code, "nothing-such" in answer.stderr, stored(services)) == (1, True, 0)


@pytest.fixture
def photos(run: Run) -> Path:
    """Two photos of one size, one of another, and a style; of one size each, with the style, they differ."""
    folder = Path("photos")
    folder.mkdir()
    (folder / "a.png").write_bytes(pictures.png(48, 32))
    (folder / "b.png").write_bytes(pictures.png(48, 32) + b"behind the end")
    (folder / "c.jpg").write_bytes(pictures.photo(64, 32, "jpeg"))
    return folder


PAINT = ("batch", "photos", "--style", "style.png", "--strength", "0.5,1", "-o", "out")


@pytest.mark.usefixtures("photos")
def test_a_folder_is_estimated_by_one_photo_of_each_size(
    run: Run, client: Client, services: Services
) -> None:
    told = json.loads(run(*PAINT, "--dry-run", "--json").stdout)
    assert (told["accepted"], told["items"], told["pictures"], told["photos"]) == (True, 6, 6, 3)
    assert told["pixels"] == 4 * 48 * 32 + 2 * 64 * 32
    assert told["photo_bytes"] == sum(path.stat().st_size for path in Path("photos").iterdir())
    assert stored(services) == 3, "the style, and one photo of each size"
    assert list(client.batches.list()) == []
    assert not Path("out").exists()
    answer = run(*PAINT, "--dry-run")
    page = page_of(answer)
    assert (answer.exit_code, page["items"], page["there already"]) == (0, "6", "0"), answer.output
    assert page["photos"].startswith("3, ")


@pytest.mark.usefixtures("photos")
def test_what_is_there_is_not_estimated_again(run: Run, artist: BatchWorker) -> None:
    assert run(*PAINT).exit_code == 0
    told = json.loads(run(*PAINT, "--dry-run", "--json").stdout)
    assert (told["items"], told["photos"], told["kept"], told["accepted"]) == (0, 0, 6, True)
    Path("photos/d.png").write_bytes(pictures.png(48, 40))
    told = json.loads(run(*PAINT, "--dry-run", "--json").stdout)
    assert (told["items"], told["photos"], told["kept"]) == (2, 1, 6)
    assert len(artist.runs) == 6


@pytest.mark.usefixtures("photos")
def test_a_photo_that_cannot_be_sent_is_named(run: Run) -> None:
    Path("photos/bad.jpg").write_bytes(b"\xff\xd8\xff no photo")
    answer = run(*PAINT, "--dry-run")
    assert (answer.exit_code, page_of(answer)["items"]) == (1, "6"), answer.output
    assert answer.stderr.startswith("left out: bad.jpg: ")


@pytest.mark.usefixtures("photos")
def test_a_folder_is_not_tried_out_and_watched(run: Run) -> None:
    answer = run(*PAINT, "--dry-run", "--watch")
    assert (answer.exit_code, "--dry-run and --watch" in answer.stderr) == (2, True)
