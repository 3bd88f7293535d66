"""Values in JSON have the types that the document names; texts of forms are converted."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel

from shared.batches.request import BatchSettings, Multiply
from shared.identifiers import file_id
from shared.specs.spec import SPECS

FILE = file_id("0" * 64)
NEEDED: dict[str, dict[str, Any]] = {
    "generate": {},
    "stylize": {"content": FILE, "styles": [{"image": FILE}]},
    "transform": {"content": FILE},
}
OTHERS: dict[type, list[Any]] = {  # what a value of a type may not be given as
    bool: ["yes", "true", 1, 0, 1.0, "1"],
    int: ["100", True, 100.0, "1e2"],
    float: ["1", True],
    str: [1, True, 1.5],
}


def plain_types(hint: Any) -> Iterator[type]:
    if hint in OTHERS:
        yield hint
    for inner in get_args(hint):
        yield from plain_types(inner)


def part_in(hint: Any) -> type[BaseModel] | None:
    hints = (hint, *get_args(hint))
    return next((each for each in hints if isinstance(each, type) and issubclass(each, BaseModel)), None)


def wrong(model: type[BaseModel]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a pointer and members of an object that have one value of a wrong type."""
    for name, field in model.model_fields.items():
        part = part_in(field.annotation)
        is_list = "list" in str(field.annotation)
        for pointer, inner in wrong(part) if part else ():
            yield f"/{name}" + "/0" * is_list + pointer, {name: [inner] if is_list else inner}
        kinds = set() if part else set(plain_types(field.annotation))
        for value in OTHERS[kinds.pop()] if len(kinds) == 1 and "dict" not in str(field.annotation) else ():
            yield f"/{name}" + "/0" * is_list, {name: [value, value] if is_list else value}


JOBS = [
    (kind, pointer, members) for kind, spec in SPECS.items() for pointer, members in wrong(spec)
    if pointer not in ("/content", "/type")
]  # fmt: skip


def names(response: Any) -> set[str]:
    return {fault["pointer"] for fault in response.json["errors"]}


def test_a_job_takes_no_value_of_another_type(client: FlaskClient) -> None:
    assert len(JOBS) > 150
    for kind, pointer, members in JOBS:
        response = client.post("/v1/jobs", json={"type": kind, **NEEDED[kind], **members})
        assert response.status_code == 422, (kind, members, response.data)
        assert pointer in names(response), (kind, members, response.data)


def test_a_batch_takes_no_setting_of_another_type(client: FlaskClient) -> None:
    for pointer, members in [*wrong(BatchSettings), *(("/open", {"open": v}) for v in OTHERS[bool])]:
        response = client.post("/v1/batches", json={"items": [{"type": "generate"}], **members})
        assert (response.status_code, pointer in names(response)) == (422, True), (members, response.data)


def test_a_template_takes_no_value_of_another_type(client: FlaskClient) -> None:
    for name, values in {"seed": OTHERS[int], "digit": OTHERS[int], "strength": OTHERS[float]}.items():
        assert name in Multiply.model_fields
        for value in values:
            template = {"type": "generate", "multiply": {name: [value]}}
            response = client.post("/v1/batches", json={"template": template})
            assert names(response) == {f"/template/multiply/{name}/0"}, response.data


@pytest.mark.parametrize("stroke", ["512", 512.0, True, "Native", ""])
def test_a_stroke_is_a_number_or_native(client: FlaskClient, stroke: Any) -> None:
    response = client.post("/v1/jobs", json={"type": "stylize", **NEEDED["stylize"], "stroke": stroke})
    assert (response.status_code, "/stroke" in names(response)) == (422, True)


def test_a_whole_number_is_a_number(client: FlaskClient) -> None:
    response = client.post("/v1/jobs", json={"type": "generate", "truncation": 1})
    assert (response.status_code, response.json["input"]["truncation"]) == (202, 1.0)


def test_texts_of_a_form_are_converted(client: FlaskClient) -> None:
    form = {"seed": "5", "cache": "yes", "ttl_seconds": "60", "truncation": "1", "columns": "2"}
    response = client.post("/v1/jobs/generate", data=form)
    assert response.status_code == 202, response.data
    given = response.json["input"]
    assert (given["seeds"], given["cache"], given["ttl_seconds"]) == ([5], True, 60)


@pytest.mark.parametrize("nulls", [{"seed": None}, {"content": None, "style": None}, {"seed": [None]}, {}])
def test_a_zip_of_no_list_is_refused(client: FlaskClient, nulls: dict[str, Any]) -> None:
    template = {"type": "generate", "multiply": {"mode": "zip", **nulls}}
    response = client.post("/v1/batches", json={"template": template})
    assert response.status_code == 422
    assert all(pointer.startswith("/template/multiply") for pointer in names(response)), response.data
