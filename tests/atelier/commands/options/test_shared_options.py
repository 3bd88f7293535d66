"""`stylize`, `transform` and `batch` take their options from one list, and carry out what they say."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.batch import Batch
from atelier.client.client import Client
from atelier.client.files import id_of
from atelier.commands.batch import batch
from atelier.commands.stylize import stylize, transform
from atelier.lazy_group import EXIT_TIMEOUT
from shared.identifiers import ANONYMOUS
from tests.support.images import pictures
from tests.support.jobs.batch_worker import BatchWorker

Run = Callable[..., Result]

NOT_IN_BATCH = {
    "--preview": "one file, which shows one running job; a folder has many",
    "--preview-every": "how often that file is written",
    "--recipe": "settings for many pictures are those of the batch; its --jsonl and --template take recipes",
    "--sidecar": "the pictures have their recipes in them",
}
MEANT_OTHERWISE = {
    "--mask": "a file: an address is for one picture",
    "--style": "each one makes a picture, and --styles or a model without styles may stand in its place",
    "--strength": "takes several, each of which makes a picture",
    "--format": "the photo's own is the default, as there is no one name after -o",
    "--output": "a folder, and required",
    "--json": "a sum of the run, not a job",
    "--lane": "bulk is the default",
    "--dry-run": "of a folder, one photo of each size goes along",
}
WISHES = {
    "--strength": "0.5",
    "--preserve-color": None,
    "--stroke": "native",
    "--upsample": "guided",
    "--precision": "exact",
    "--max-side": "50",
    "--steadiness": "0",
    "--steps": "20",
    "--style-weight": "2",
    "--content-weight": "3",
    "--variation-weight": "0",
    "--optimizer": "lbfgs",
    "--model": "nst-gatys",
    "--quality": "80",
    "--profile": "keep",
    "--metadata": "safe",
    "--no-recipe": None,
    "--enlarge": "2",
    "--format": "webp",
    "--mask": "mask.png",
    "--cache": None,
    "--lane": "bulk",
    "--webhook": "https://example.com/told",
}
WORDS = [word for name, value in WISHES.items() for word in ([name] if value is None else [name, value])]


@pytest.fixture
def run(url: str, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run `atelier` where there are a photo, two styles and a mask, beside a worker."""
    monkeypatch.chdir(tmp_path)
    place_pictures(tmp_path)
    with BatchWorker(services).working():
        yield lambda *words: CliRunner().invoke(main, ["--url", url, *map(str, words)])


def place_pictures(folder: Path) -> None:
    (folder / "photos").mkdir()
    (folder / "photos" / "sea.jpg").write_bytes(pictures.photo(60, 40, "jpeg"))
    for name, side in (("a.png", 40), ("b.png", 41), ("mask.png", 42)):
        (folder / name).write_bytes(pictures.png(side, 40))


def options(command: click.Command) -> dict[str, click.Parameter]:
    named = {max(param.opts, key=len): param for param in command.params}
    return {name: param for name, param in named.items() if name.startswith("--") and name != "--url"}


def webhook_of(services: Services, made: Batch) -> str | None:
    webhook = services.batches.get(made.id, ANONYMOUS).settings.webhook
    return webhook and str(webhook.url)


def meaning(param: click.Parameter) -> tuple[object, ...]:
    info = param.to_info_dict()
    return tuple(str(info.get(name)) for name in ("name", "type", "help", "is_flag", "multiple", "default"))


@pytest.mark.parametrize("single", [stylize, transform], ids=["stylize", "transform"])
def test_batch_has_every_option_of_the_commands_for_one_picture(single: click.Command) -> None:
    alone, many = options(single), options(batch)
    assert set(alone) - set(many) == set(NOT_IN_BATCH) & set(alone)
    shared = set(alone) & set(many) - set(MEANT_OTHERWISE)
    assert {name: meaning(alone[name]) for name in shared} == {name: meaning(many[name]) for name in shared}
    assert all(meaning(alone[name]) != meaning(many[name]) for name in set(MEANT_OTHERWISE) & set(alone))


def test_every_option_but_those_for_waiting_is_tried_below() -> None:
    untried = set(options(stylize)) - set(WISHES) - set(NOT_IN_BATCH)
    alone = {"--style", "--weight", "--output", "--json", "--timeout", "--not-before", "--dry-run"}
    assert untried == alone


@pytest.mark.usefixtures("busy_worker")
def test_a_photo_of_a_folder_is_asked_for_as_it_is_alone(
    run: Run, client: Client, services: Services
) -> None:
    for words in (["stylize", "photos/sea.jpg", "-o", "one.webp"], ["batch", "photos", "-o", "out"]):
        answer = run(*words, "--style", "a.png", *WORDS)
        assert answer.exit_code == 0, answer.output
    (alone,) = client.jobs.list()
    (made,) = client.batches.list()
    (item,) = client.batches.get(made).jobs()
    assert {**item.input, "webhook": None} == {**alone.input, "webhook": None}
    assert alone.input["webhook"]["url"] == webhook_of(services, made) == WISHES["--webhook"]
    assert (item.input["mask"], item.input["stroke"]) == (id_of(Path("mask.png").read_bytes()), "native")
    assert (made.raw["lane"], item.input["optimize"]["steps"]) == ("bulk", 20)


def test_a_folder_and_a_photo_wait_for_the_time_that_is_named(
    url: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place_pictures(tmp_path)
    waits = ("--style", "a.png", "--not-before", "8h", "--timeout", "0.5")
    for words in (["stylize", "photos/sea.jpg"], ["batch", "photos", "-o", "out"]):
        assert CliRunner().invoke(main, ["--url", url, *words, *waits]).exit_code == EXIT_TIMEOUT
    (alone,), (made,) = client.jobs.list(), client.batches.list()
    for told in (alone.not_before, made.not_before):
        assert told is not None
        assert abs(told - datetime.now(UTC) - timedelta(hours=8)) < timedelta(minutes=5)


def test_styles_with_weights_are_mixed_in_one_picture(run: Run, client: Client) -> None:
    styles = ["--style", "a.png", "--style", "b.png", "--weight", 3, "--weight", 1]
    answer = run("batch", "photos", *styles, "--name", "{style}-{stem}", "-o", "out")
    assert (answer.exit_code, [path.name for path in Path("out").glob("*.jpg")]) == (0, ["a+b-sea.jpg"])
    (item,) = client.batches.get(next(client.batches.list())).jobs()
    assert [style["weight"] for style in item.input["styles"]] == [3, 1]
    refused = run("batch", "photos", *styles[:-2], "-o", "out")
    assert (refused.exit_code, "one --weight for each style" in refused.stderr) == (2, True)


# Of each option that changes the picture another value; what changes none is in the list below.
OTHERS = {
    "--strength": "0.25",
    "--preserve-color": None,
    "--stroke": "64",
    "--max-side": "30",
    "--steadiness": "1",
    "--quality": "70",
    "--enlarge": "3",
    "--format": "png",
    "--mask": "b.png",
    "--weight": "2",
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_value_makes_another_run(run: Run, name: str) -> None:
    plain = ["batch", "photos", "--style", "a.png", "-o", "out"]
    assert run(*plain).exit_code == 0
    value = OTHERS[name]
    changed = [*plain, name] if value is None else [*plain, name, value]
    refused = run(*changed)
    assert (refused.exit_code, name.lstrip("-") in refused.stderr) == (1, True), refused.stderr
    again = run(*changed, "--new", "--json")
    assert (again.exit_code, json.loads(again.stdout)["saved"]) == (0, 1), again.output
    assert json.loads(run(*changed, "--json").stdout)["kept"] == 1


@pytest.mark.parametrize(
    "words",
    [["--lane", "interactive"], ["--cache"], ["--timeout", "60"], ["--webhook", "https://example.com/x"]],
    ids=lambda words: words[0],
)
def test_what_changes_no_picture_makes_no_other_run(run: Run, words: list[str]) -> None:
    plain = ["batch", "photos", "--style", "a.png", "-o", "out"]
    assert run(*plain).exit_code == 0
    assert run(*plain, *words).stdout.startswith("out: 0 new, 1 kept")


def test_what_only_paintings_take_is_refused_without_a_style(run: Run) -> None:
    refused = run("batch", "photos", "--model", "relief", "--stroke", "512", "--steadiness", 0, "-o", "out")
    assert refused.exit_code == 2
    assert "only a painting in a style takes --stroke, --steadiness" in refused.stderr
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "words",
    [["--stroke", "512"], ["--quality", "90"], ["--format", "png"], ["--preserve-color"], ["--watch"]],
    ids=lambda words: words[0],
)
def test_what_a_file_of_items_says_itself_is_refused(run: Run, words: list[str]) -> None:
    Path("items.jsonl").write_text('{"type": "generate", "seed": 1}\n')
    refused = run("batch", "--jsonl", "items.jsonl", *words, "-o", "out")
    assert (refused.exit_code, f"leave out {words[0]}" in refused.stderr) == (2, True), refused.output


def test_the_settings_of_a_batch_hold_for_a_file_of_items(
    run: Run, client: Client, services: Services
) -> None:
    Path("items.jsonl").write_text('{"type": "generate", "seed": 1}\n')
    words = ["--lane", "interactive", "--webhook", "https://example.com/told", "--timeout", 60]
    answer = run("batch", "--jsonl", "items.jsonl", *words, "-o", "out")
    assert answer.exit_code == 0, answer.output
    (made,) = client.batches.list()
    assert (made.raw["lane"], webhook_of(services, made)) == ("interactive", "https://example.com/told")
