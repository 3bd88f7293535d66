"""`atelier places`, `atelier batch --from --to`, and the same through the client."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from api.services import Services
from atelier import Client, PlaceDestination, PlaceSource
from atelier.cli import main
from atelier.client.places.places import Place
from tests.support.files import files_below
from tests.support.places.transfer_steps import Transferring, put_photos

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _places(services: Services, tmp_path: Path) -> None:
    for name in ("photos", "out"):
        (tmp_path / name).mkdir()
    rules = {"photos": "read", "out": "write"}
    text = {name: {"url": (tmp_path / name).as_uri(), "access": how} for name, how in rules.items()}
    vars(services.settings)["places"] = SecretStr(json.dumps(text))


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


@pytest.fixture
def moving(services: Services) -> Transferring:
    return Transferring(services.store, services.objects, services.settings.place_rules)


@pytest.fixture
def io_worker(moving: Transferring) -> Iterator[None]:
    """Have transfers and jobs go on by themselves."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            moving.runner.look()
            moving.finish()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def put(tmp_path: Path) -> list[str]:
    found = files_below(tmp_path / "out")
    return sorted(str(path.relative_to(tmp_path / "out")) for path in found if ".atelier" not in path.parts)


def test_places_are_listed(run: Run, client: Client) -> None:
    assert run("places").stdout.split() == ["place", "batches", "may", "out", "write", "photos", "read"]
    shown = json.loads(run("places", "--json").stdout)
    assert shown[0] == {"name": "out", "read": False, "write": True}
    assert client.places.list() == (Place("out", False, True), Place("photos", True, False))


@pytest.mark.usefixtures("io_worker")
def test_a_batch_goes_from_place_to_place(run: Run, client: Client, tmp_path: Path) -> None:
    put_photos(tmp_path / "photos", "2026/a.png", "2026/b.png", "c.png")
    styles = ("--style", 3, "--style", 7, "--model", "multistyle-26", "--format", "png")
    ends = ("--from", "photos:2026", "--match", "*.png", "--to", "out:made/", "--name", "{stem}-{style}")
    answer = run("batch", *ends, *styles)
    assert answer.exit_code == 0, answer.output
    assert put(tmp_path) == [
        "made/a-style3.png",
        "made/a-style7.png",
        "made/b-style3.png",
        "made/b-style7.png",
    ]
    assert "4 put at out, 0 not (delivered)" in answer.stdout
    (batch,) = client.batches.list()
    assert (batch.source.found, batch.destination.delivered) == (2, 4)  # type: ignore[union-attr]
    page = " ".join(run("batches", "show", batch.id).stdout.split())
    assert "source photos: done, 2 found" in page
    assert "destination out: delivered, 4 there, 0 not" in page
    items = {item.delivery.names[0]: item.source for item in client.batches.get(batch.id) if item.delivery}
    assert items["made/a-style3.png"] == "a.png"


@pytest.mark.usefixtures("io_worker")
def test_what_is_no_picture_makes_the_command_fail(run: Run, tmp_path: Path) -> None:
    put_photos(tmp_path / "photos", "a.png")
    (tmp_path / "photos" / "b.png").write_text("no picture")
    answer = run(
        "batch", "--from", "photos", "--to", "out", "--style", 3, "--model", "multistyle-26", "--json"
    )
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["counts"]["failed"] == 1
    assert put(tmp_path) == ["00000-a.png"]


@pytest.mark.usefixtures("io_worker")
def test_items_of_a_file_are_put_at_a_place(run: Run, tmp_path: Path) -> None:
    lines = [json.dumps({"type": "generate", "seed": n, "custom_id": f"n{n}"}) for n in range(3)]
    (tmp_path / "items.jsonl").write_text("\n".join(lines))
    assert run("batch", "--jsonl", "items.jsonl", "--to", "out:digits").exit_code == 0
    assert put(tmp_path) == ["digits/n0.png", "digits/n1.png", "digits/n2.png"]


def test_a_dry_run_counts_the_pictures(run: Run, client: Client, tmp_path: Path) -> None:
    put_photos(tmp_path / "photos", "a.png", "b.png")
    answer = run("batch", "--from", "photos", "--style", 3, "--model", "multistyle-26", "--dry-run", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)["items"]) == (0, 2), answer.output
    estimate = client.batches.estimate(
        source=PlaceSource(place="photos"),
        template={"type": "stylize", "model": "multistyle-26", "styles": [{"number": 1}]},
        destination=PlaceDestination(place="out"),
    )
    assert (estimate.accepted, estimate.items) == (True, 2)
    assert list(client.batches.list()) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("photos --style 3", "Missing option '-o' / '--output'"),
        ("--from photos --style 3 -o out", "leave out -o"),
        ("--from photos --style 3 --template t.json", "either --template or --style"),
        ("--from photos", "either --template or --style"),
        ("--from photos --jsonl t.json", "--from takes --template or --style"),
        ("--from photos --style 3 --watch", "leave out --watch"),
        ("--from photos --style 3 --name {stem}", "give --to, too"),
        ("--to out --style 3", "leave out --style"),
        ("--to out", "--to takes the items of --jsonl or --template"),
        ("photos --style 3 -o x --match *.png", "give --from, too"),
        ("--from :x --style 3", "':x' is no place"),
    ],
)
def test_what_does_not_go_together_is_said(run: Run, tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "t.json").write_text("{}")
    answer = run("batch", *line.split())
    assert answer.exit_code == 2
    assert says in " ".join(answer.stderr.replace("│", " ").split())


def test_a_place_that_is_not_there_is_said_with_those_that_are(run: Run) -> None:
    answer = run("batch", "--from", "nowhere", "--style", 3, "--model", "multistyle-26")
    assert answer.exit_code == 2, answer.output
    assert "there is no place 'nowhere' to read from; there are: photos" in answer.stderr
