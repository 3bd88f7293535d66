"""`atelier recipes`, `--recipe` of the commands that make pictures, and `client.recipes`."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from atelier import AsyncClient, Encoding, GenerateRequest, StylizeRequest
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError
from tests.atelier.commands.recipes.test_again_command import home, run
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker

__all__ = ["home"]
SETTINGS: dict[str, Any] = {"type": "generate", "digit": 3, "output": {"format": "webp", "quality": 70}}


def command(client: Client, *words: str) -> Result:
    return CliRunner().invoke(main, ["--url", client.base_url, "recipes", *words])


@pytest.fixture
def kept(home: Path, client: Client) -> None:
    """Two versions of a recipe, and one that is everybody's."""
    client.recipes.create("small", {**SETTINGS, "digit": 4})
    client.recipes.create("small", SETTINGS)
    client.recipes.create("all", {"type": "generate", "truncation": 0.5}, shared=True)


@pytest.mark.usefixtures("kept")
def test_recipes_are_listed_and_shown(client: Client) -> None:
    rows = [line.split("\t") for line in command(client, "list").stdout.splitlines()]
    assert [row[:4] for row in rows[1:]] == [
        ["small", "2", "you", "generate"], ["all", "1", "everybody", "generate"]
    ]  # fmt: skip
    lines = [json.loads(line) for line in command(client, "list", "--json").stdout.splitlines()]
    assert [line["reference"] for line in lines] == ["small@2", "all@1"]
    shown = command(client, "show", "small@1").stdout
    assert "recipe\tsmall@1\n" in shown
    assert "digit\t4\n" in shown
    assert json.loads(command(client, "show", "small", "--json").stdout)["settings"] == SETTINGS
    assert (command(client, "show", "small@x").exit_code, command(client, "show", "none").exit_code) == (2, 2)


def test_a_file_with_settings_is_kept_and_forgotten(home: Path, client: Client) -> None:
    (home / "settings.json").write_text(json.dumps(SETTINGS))
    assert command(client, "create", "small", "settings.json").stdout == "small@1\n"
    assert json.loads(command(client, "create", "small", "settings.json", "--json").stdout)["version"] == 1
    assert command(client, "delete", "small").stdout == "small deleted\n"
    assert "No recipe is kept" in command(client, "list").stderr
    assert command(client, "create", "all", "settings.json", "--shared").exit_code == 0
    assert command(client, "delete", "all", "--shared", "--json").stdout == '{"name": "all", "ok": true}\n'


@pytest.mark.usefixtures("kept")
def test_a_recipe_that_is_not_there_leaves_no_other_undeleted(client: Client) -> None:
    answer = command(client, "delete", "none", "small", "--json")
    refused, deleted = (json.loads(line) for line in answer.stdout.splitlines())
    assert (refused["name"], refused["ok"], refused["code"]) == ("none", False, "recipe_not_found")
    assert (answer.exit_code, deleted) == (1, {"name": "small", "ok": True})
    assert [recipe.name for recipe in client.recipes.list()] == ["all"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is not JSON"), ("[]", "no JSON object"), ('{"type": "generate", "digit": 12}', "digit must be")],
)
def test_settings_that_are_none_are_refused(home: Path, client: Client, text: str, words: str) -> None:
    (home / "settings.json").write_text(text)
    answer = command(client, "create", "small", "settings.json")
    assert (answer.exit_code, words in answer.stderr) == (2, True), answer.stderr


@pytest.mark.usefixtures("kept")
def test_options_that_are_given_go_over_the_recipe(home: Path, client: Client, worker: FakeWorker) -> None:
    plain = json.loads(run(client, worker, "generate", "--recipe", "small", "--json").stdout)["input"]
    assert (plain["recipe"], plain["digit"]) == ("small@2", 3)
    assert (plain["output"]["format"], plain["output"]["quality"]) == ("webp", 70)
    words = ["generate", "--recipe", "small@1", "--digits", "42", "--quality", "90", "-o", "a.jpg", "--json"]
    given = json.loads(run(client, worker, *words).stdout)["input"]
    assert (given["recipe"], given["digits"], given["digit"]) == ("small@1", "42", None)
    assert (given["output"]["format"], given["output"]["quality"]) == ("jpeg", 90)


def test_a_painting_takes_its_style_from_a_recipe(home: Path, client: Client, worker: FakeWorker) -> None:
    client.styles.create("waves", pictures.png(40, 40))
    client.recipes.create("sea", {"type": "stylize", "styles": [{"name": "waves"}], "strength": 0.25})
    words = ["stylize", "photo.jpg", "--recipe", "sea", "-o", "out.png", "--json"]
    painted = json.loads(run(client, worker, *words).stdout)["input"]
    assert (painted["styles"][0]["name"], painted["strength"]) == ("waves", 0.25)
    answer = CliRunner().invoke(main, ["--url", client.base_url, "stylize", "photo.jpg"])
    assert (answer.exit_code, "--recipe" in answer.stderr) == (2, True)
    request = StylizeRequest(content=client.files.upload(pictures.png()), styles=[], recipe="sea")
    assert client.jobs.create(request).input["styles"][0]["name"] == "waves"


@pytest.mark.usefixtures("kept")
def test_a_typed_request_leaves_to_the_recipe_what_it_does_not_give(client: Client) -> None:
    assert client.jobs.create(GenerateRequest(recipe="small")).input["output"]["format"] == "webp"
    request = GenerateRequest(recipe="small", output=Encoding(format="jpeg", quality=80))
    assert client.jobs.create(request).input["output"]["quality"] == 80


@pytest.mark.usefixtures("kept")
def test_the_client_reads_versions_and_tells_faults_by_field(client: Client) -> None:
    old, new = client.recipes.get("small", 1), client.recipes.get("small")
    assert (old.version, new.version, new.versions, new.shared) == (1, 2, (1, 2), False)
    assert old.created_at <= new.created_at
    with pytest.raises(ApiError) as caught:
        client.recipes.create("small", {"type": "generate", "lane": "bulk"})
    assert [fault.pointer for fault in caught.value.errors] == ["/settings/lane"]
    with pytest.raises(ApiError) as caught:
        client.recipes.get("small", 7)
    assert (caught.value.status, caught.value.code) == (404, "recipe_not_found")


@pytest.mark.usefixtures("kept")
def test_the_asynchronous_client_has_the_same(client: Client) -> None:
    async def ask() -> list[str]:
        async with AsyncClient(client.base_url) as service:
            await service.recipes.create("other", SETTINGS)
            await service.recipes.delete("other")
            return [recipe.reference async for recipe in service.recipes.list()]

    assert asyncio.run(ask()) == ["small@2", "all@1"]
