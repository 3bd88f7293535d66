"""/v1/recipes, and jobs and batches that name a recipe."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from shared.identifiers import ANONYMOUS
from shared.recipes.store import SHARED, RecipeStore
from shared.setting_groups import RecipeRules
from tests.support.images.pictures import png

SETTINGS: dict[str, Any] = {"type": "generate", "digit": 3, "truncation": 0.5, "output": {"format": "webp"}}


def keep(client: FlaskClient, name: str = "small", **settings: object) -> TestResponse:
    return client.post("/v1/recipes", json={"name": name, "settings": {**SETTINGS, **settings}})


def job(client: FlaskClient, **fields: object) -> TestResponse:
    return client.post("/v1/jobs", json={"type": "generate", "recipe": "small", **fields})


def faults(response: TestResponse) -> list[tuple[str, str]]:
    assert response.json is not None
    return [(fault["pointer"], fault["code"]) for fault in response.json["errors"]]


def upload(client: FlaskClient) -> str:
    return str(client.post("/v1/files", data={"file": (BytesIO(png(20, 20)), "a.png")}).json["id"])


def test_settings_are_kept_in_versions_that_never_change(client: FlaskClient) -> None:
    first, same, second = keep(client), keep(client), keep(client, digit=4)
    assert [each.status_code for each in (first, same, second)] == [201, 200, 201]
    assert same.json == first.json
    assert (second.json["version"], second.json["versions"]) == (2, [1, 2])
    assert second.headers["Location"] == "http://localhost/v1/recipes/small?version=2"
    assert client.get("/v1/recipes/small").json == second.json
    old = client.get("/v1/recipes/small?version=1").json
    assert (old["reference"], old["settings"]) == ("small@1", SETTINGS)
    keep(client, "other")
    assert [each["reference"] for each in client.get("/v1/recipes").json["data"]] == ["other@1", "small@2"]
    page = client.get("/v1/recipes?limit=1").json
    rest = client.get(f"/v1/recipes?cursor={page['next_cursor']}").json
    assert [each["name"] for each in rest["data"]] == ["small"]


def test_a_recipe_is_forgotten_and_jobs_keep_what_they_took(client: FlaskClient) -> None:
    keep(client)
    made = job(client, seed=1).json
    assert client.delete("/v1/recipes/small").status_code == 204
    for gone in (client.get("/v1/recipes/small"), client.delete("/v1/recipes/small")):
        assert (gone.status_code, gone.json["code"]) == (404, "recipe_not_found")
    assert client.get(f"/v1/jobs/{made['id']}").json["input"] == made["input"]
    assert faults(job(client)) == [("/recipe", "recipe_not_found")]


def test_a_job_takes_the_latest_version_or_one_and_its_own_fields_go_over_it(client: FlaskClient) -> None:
    keep(client)
    keep(client, digit=4)
    latest, first = (
        job(client, seed=7).json["input"],
        job(client, recipe="small@1", digits="42").json["input"],
    )
    assert (latest["recipe"], latest["digit"], latest["truncation"]) == ("small@2", 4, 0.5)
    assert (first["recipe"], first["digits"], first["digit"]) == ("small@1", "42", None)
    quality = job(client, output={"quality": 50}).json["input"]["output"]
    assert (quality["format"], quality["quality"]) == ("webp", 50)
    assert client.post("/v1/jobs", json={"recipe": "small"}).json["type"] == "generate"


def test_a_form_takes_a_recipe_too(client: FlaskClient) -> None:
    keep(client)
    response = client.post("/v1/jobs/generate", data={"recipe": "small", "seed": "3"})
    assert (response.status_code, response.json["input"]["recipe"]) == (202, "small@1")
    assert (response.json["input"]["digit"], response.json["input"]["seeds"]) == (3, [3])
    wrong = client.post("/v1/jobs/generate", data={"recipe": "none"})
    assert faults(wrong) == [("/recipe", "recipe_not_found")]


def test_a_painting_takes_its_style_from_a_recipe(client: FlaskClient) -> None:
    picture = upload(client)
    client.post("/v1/styles", json={"name": "waves", "image": picture})
    settings = {"type": "stylize", "styles": [{"name": "waves"}], "strength": 0.25}
    assert client.post("/v1/recipes", json={"name": "sea", "settings": settings}).status_code == 201
    made = client.post("/v1/jobs", json={"type": "stylize", "content": picture, "recipe": "sea"}).json[
        "input"
    ]
    assert (made["styles"][0]["image"], made["strength"]) == (picture, 0.25)


def test_a_recipe_names_the_job_and_not_its_result(client: FlaskClient) -> None:
    keep(client)
    named = job(client, seed=7, cache=True).json
    plain = client.post("/v1/jobs", json={**SETTINGS, "seed": 7, "cache": True}).json
    assert plain["queue"]["reason"] == "equal_job", plain["queue"]  # the pictures are the same
    assert named["id"] != plain["id"]


def test_a_repetition_is_the_same_request_though_the_recipe_has_a_later_version(client: FlaskClient) -> None:
    keep(client)
    headers = {"Idempotency-Key": "k"}
    first = client.post("/v1/jobs", json={"recipe": "small"}, headers=headers)
    keep(client, digit=9)
    again = client.post("/v1/jobs", json={"recipe": "small"}, headers=headers)
    assert (again.status_code, again.json["id"]) == (202, first.json["id"])
    other = client.post("/v1/jobs", json={"recipe": "small@1"}, headers=headers)
    assert faults(other) == [("/Idempotency-Key", "idempotency_key_reused")]
    form = {"recipe": "small", "seed": "4"}
    named = client.post("/v1/jobs/generate", data=form, headers={"Idempotency-Key": "form"})
    client.delete("/v1/recipes/small")
    assert client.post("/v1/jobs", json={"recipe": "small"}, headers=headers).json["id"] == first.json["id"]
    late = client.post("/v1/jobs/generate", data=form, headers={"Idempotency-Key": "form"})
    assert late.json["id"] == named.json["id"]
    gone = client.post("/v1/jobs", json={"recipe": "small", "seed": 9}, headers=headers)
    assert faults(gone) == [("/Idempotency-Key", "idempotency_key_reused")]


@pytest.mark.parametrize("how", ["items", "template", "lines"])
def test_items_of_a_batch_take_recipes(client: FlaskClient, how: str) -> None:
    keep(client)
    item = {"type": "generate", "recipe": "small", "seed": 5}
    if how == "lines":
        response = client.post("/v1/batches", data='{"recipe": "small"}\n{"recipe": "small@1", "seed": 5}\n',
                               content_type="application/jsonl")  # fmt: skip
    else:
        body: dict[str, Any] = {"items": [item]}
        if how == "template":
            body = {"template": {"type": "generate", "recipe": "small", "multiply": {"seed": [1, 2]}}}
        response = client.post("/v1/batches", json=body)
    assert response.status_code == 202, response.json
    items = client.get(response.json["urls"]["items"]).json["data"]
    assert {(each["input"]["recipe"], each["input"]["digit"]) for each in items} == {("small@1", 3)}


def test_faults_of_items_name_their_recipe(client: FlaskClient) -> None:
    keep(client)
    items = [{"type": "generate", "recipe": "small"}, {"type": "generate", "recipe": "none"}]
    response = client.post("/v1/batches", json={"items": items})
    assert faults(response) == [("/items/1/recipe", "recipe_not_found")]


@pytest.mark.parametrize(
    ("recipe", "pointer", "code"),
    [
        ("none", "/recipe", "recipe_not_found"),
        ("small@2", "/recipe", "recipe_not_found"),
        ("small@0", "/recipe", "invalid_format"),
        ("Small", "/recipe", "invalid_format"),
        ("small@99999999999999999999", "/recipe", "invalid_format"),
        (7, "/recipe", "invalid_type"),
    ],
)
def test_a_recipe_that_is_not_there_is_refused_by_its_field(
    client: FlaskClient, recipe: object, pointer: str, code: str
) -> None:
    keep(client)
    assert faults(job(client, recipe=recipe)) == [(pointer, code)]


def test_a_recipe_of_another_type_is_refused(client: FlaskClient) -> None:
    keep(client)
    response = client.post("/v1/jobs", json={"type": "stylize", "recipe": "small"})
    assert faults(response) == [("/recipe", "invalid_request")]
    assert "is for jobs of the type generate" in response.json["detail"]


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"type": "paint"}, "/settings/type", "invalid_choice"),
        ({"digit": 3}, "/settings/type", "invalid_choice"),
        ({"type": "generate", "digit": 12}, "/settings/digit", "out_of_range"),
        ({"type": "generate", "dgit": 1}, "/settings/dgit", "unknown_field"),
        ({"type": "generate", "webhook": {"url": "https://a.b/"}}, "/settings/webhook", "unknown_field"),
        ({"type": "generate", "metadata": {}}, "/settings/metadata", "unknown_field"),
        ({"type": "generate", "recipe": "a"}, "/settings/recipe", "unknown_field"),
        ({"type": "stylize", "content": "file_" + "0" * 64}, "/settings/content", "unknown_field"),
        ({"type": "stylize", "styles": [{"image": "file_" + "0" * 64}]}, "/settings/styles/0/image",
         "unknown_parameter"),
        ({"type": "stylize", "strength": 7}, "/settings/strength", "out_of_range"),
        ({"type": "generate", "model": "nobody"}, "/settings/model", "unknown_model"),
        ({"type": "generate", "latents": [[0.12345678901] * 100] * 20}, "/settings", "out_of_range"),
    ],
)  # fmt: skip
def test_settings_that_no_job_may_have_are_refused(
    client: FlaskClient, given: dict[str, Any], pointer: str, code: str
) -> None:
    response = client.post("/v1/recipes", json={"name": "bad", "settings": given})
    assert (response.status_code, faults(response)) == (422, [(pointer, code)]), response.json
    assert client.get("/v1/recipes").json["data"] == []


def test_what_jobs_give_may_be_left_out(client: FlaskClient) -> None:
    response = client.post(
        "/v1/recipes", json={"name": "bold", "settings": {"type": "stylize", "stroke": 256}}
    )
    assert response.status_code == 201, response.json
    assert faults(client.post("/v1/recipes", json={"name": "No", "settings": {}})) == [
        ("/name", "invalid_format"),
        ("/settings", "invalid_length"),
    ]


def test_everybodys_recipe_stands_behind_ones_own(client: FlaskClient) -> None:
    shared = {"name": "small", "settings": {**SETTINGS, "digit": 8}, "shared": True}
    assert (
        client.post("/v1/recipes", json=shared).json["shared"] is True
    )  # without keys everybody is an admin
    assert job(client).json["input"]["digit"] == 8
    listed = client.get("/v1/recipes").json
    assert (listed["data"], [each["reference"] for each in listed["shared"]]) == ([], ["small@1"])
    keep(client)
    assert job(client).json["input"]["digit"] == 3
    assert client.delete("/v1/recipes/small").status_code == 204
    assert client.get("/v1/recipes/small").json["shared"] is True
    assert client.delete("/v1/recipes/small").status_code == 404
    assert client.delete("/v1/recipes/small?shared=true").status_code == 204


def test_there_are_limits(client: FlaskClient, services: Services) -> None:
    rules = RecipeRules(max_names=2, max_versions=3)
    recipes = RecipeStore(services.store.scripts, rules)
    object.__setattr__(services, "recipes", recipes)
    for digit in range(5):
        keep(client, digit=digit)
    assert client.get("/v1/recipes/small").json["versions"] == [3, 4, 5]
    assert faults(job(client, recipe="small@2")) == [("/recipe", "recipe_not_found")]
    keep(client, "b")
    full = keep(client, "c")
    assert (full.status_code, full.json["code"]) == (409, "too_many_recipes")
    assert keep(client, "b", digit=1).status_code == 201  # a version more of one that is there
    recipes.create(SHARED, "c", SETTINGS)  # everybody's count apart
    assert [each.name for each in recipes.page(ANONYMOUS).items] == ["b", "small"]
