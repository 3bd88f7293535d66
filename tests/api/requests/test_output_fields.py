"""What a result takes over, how it ends, recipes, chains: bad values are told by field, with the limit."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.images import pictures

Json = dict[str, Any]
NOBODY = "job_" + "0" * 32
BAD: list[tuple[Json, str, str]] = [
    ({"output": {"profile": "p3"}}, "/output/profile", "srgb or keep"),
    ({"output": {"profile": 1}}, "/output/profile", "srgb or keep"),
    ({"output": {"metadata": "place"}}, "/output/metadata", "none, safe or all"),
    ({"output": {"metadata": True}}, "/output/metadata", "none, safe or all"),
    ({"output": {"enlarge": 5}}, "/output/enlarge", "2, 3 or 4"),
    ({"output": {"enlarge": "2"}}, "/output/enlarge", "2, 3 or 4"),
    ({"output": {"recipe": "no"}}, "/output/recipe", "true or false"),
    ({"recipe": "Big Print"}, "/recipe", "recipe"),
    ({"recipe": "print@0"}, "/recipe", "recipe"),
    ({"recipe": "print"}, "/recipe", "print"),
    ({"content": {"job": "7"}}, "/content", "job"),
    ({"content": {"job": NOBODY, "output": -1}}, "/content", "0"),
    ({"content": {"job": NOBODY}}, "/content", NOBODY),
    ({"content": f"job:{NOBODY}/0"}, "/content", NOBODY),
    ({"content": {"job": NOBODY, "picture": 0}}, "/content", '"output": 0'),
]


@pytest.fixture
def painting(client: FlaskClient) -> Json:
    """A job that is right as it is."""
    file = client.post("/v1/files", data={"file": (BytesIO(pictures.png()), "a.png")}).json["id"]
    return {"type": "stylize", "content": file, "styles": [{"image": file}]}


def faults(answer: Any) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["detail"]) for fault in answer.json["errors"]]


@pytest.mark.parametrize(("wrong", "pointer", "limit"), BAD)
def test_a_bad_value_is_told_by_its_field(
    client: FlaskClient, painting: Json, wrong: Json, pointer: str, limit: str
) -> None:
    single = client.post("/v1/jobs", json={**painting, **wrong})
    item = client.post("/v1/batches", json={"items": [{**painting, **wrong}]})
    for answer, before in ((single, ""), (item, "/items/0")):
        assert answer.status_code == 422, answer.json
        ((place, detail),) = faults(answer)
        assert place.startswith(before + pointer), answer.json
        assert limit in detail, detail
    assert client.get("/v1/jobs").json["data"] == []


@pytest.mark.parametrize("output", [{"profile": "keep"}, {"metadata": "safe"}])
def test_what_has_no_content_takes_nothing_over(client: FlaskClient, output: Json) -> None:
    answer = client.post("/v1/jobs", json={"type": "generate", "output": output})
    ((place, detail),) = faults(answer)
    assert (answer.status_code, place) == (422, f"/output/{next(iter(output))}")
    assert "of which there is none" in detail


def test_the_number_of_an_output_that_will_not_be_is_told(client: FlaskClient, painting: Json) -> None:
    parent = client.post("/v1/jobs", json={"type": "generate", "count": 2}).json["id"]
    answer = client.post("/v1/jobs", json={**painting, "content": {"job": parent, "output": 2}})
    assert [fault["code"] for fault in answer.json["errors"]] == ["output_not_found"]
    assert faults(answer)[0][0] == "/content"


@pytest.mark.parametrize(
    ("kept", "pointer", "limit"),
    [
        ({"output": {"profile": "p3"}}, "/settings/output/profile", "srgb or keep"),
        ({"output": {"enlarge": 5}}, "/settings/output/enlarge", "2, 3 or 4"),
        ({"strength": 7}, "/settings/strength", "1"),
        ({"content": "file_" + "0" * 64}, "/settings/content", "content"),
    ],
)
def test_settings_of_a_recipe_are_told_by_their_fields(
    client: FlaskClient, kept: Json, pointer: str, limit: str
) -> None:
    body = {"name": "print", "settings": {"type": "stylize", "styles": [{"number": 3}], **kept}}
    answer = client.post("/v1/recipes", json=body)
    assert answer.status_code == 422, answer.json
    found = dict(faults(answer))
    assert limit in found[pointer]
    assert client.get("/v1/recipes").json["data"] == []
