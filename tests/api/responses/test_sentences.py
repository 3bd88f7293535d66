"""What a client is told who made a mistake: each field once, in plain sentences and the client's words."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.identifiers import file_id
from tests.support.images import pictures

Json = dict[str, Any]
FILE = file_id("0" * 64)
STYLIZE = {"type": "stylize", "content": FILE, "styles": [{"image": FILE}]}
MISTAKES: list[tuple[Json, str]] = [
    ({}, "type is missing; it is one of generate, stylize, transform"),
    ({"type": "paint"}, "type must be one of generate, stylize, transform"),
    ({"type": "generate", "colour": 1}, "colour is not a known field"),
    ({"type": "generate", "seed": "seven"}, 'seed must be a whole number; got "seven"'),
    ({"type": "generate", "seed": -1}, "seed must be at least 0; got -1"),
    ({"type": "generate", "count": 0}, "count must be at least 1; got 0"),
    ({"type": "generate", "count": 900}, "count must be between 1 and 256; got 900"),
    ({"type": "generate", "seeds": []}, "seeds must have 1 or more entries"),
    ({"type": "generate", "seeds": list(range(300))}, "seeds must give between 1 and 256 pictures; got 300"),
    ({"type": "generate", "seeds": 3}, "seeds must be a list; got 3"),
    ({"type": "generate", "latents": [["x"]]}, 'latents.0.0 must be a number; got "x"'),
    (
        {"type": "generate", "latents": [[1.0]]},
        "latents must hold vectors of 100 numbers for mnist-dcgan; got 1",
    ),
    ({"type": "generate", "digits": "4a"}, 'digits must be 1 to 64 digits, such as 0042; got "4a"'),
    ({"type": "generate", "output": {"format": "bmp"}}, "output.format must be png, jpeg, webp or gif"),
    ({"type": "generate", "output": 3}, "output must be a JSON object; got 3"),
    ({"type": "generate", "lane": "fast"}, "lane must be interactive or bulk"),
    ({"type": "generate", "cache": "maybe"}, 'cache must be true or false; got "maybe"'),
    ({"type": "generate", "metadata": {"a": 1}}, "metadata.a must be text; got 1"),
    ({"type": "generate", "webhook": {"url": "ftp://a"}}, "webhook.url must start with http:// or https://"),
    ({"type": "generate", "optimize": {}}, "optimize is not a known field"),
    ({"type": "generate", "model": "nobody"}, "no generate model is named 'nobody'; known: mnist-dcgan"),
    ({**STYLIZE, "content": "photo.jpg"}, "content must be the id of an uploaded file, such as file_"),
    (
        {**STYLIZE, "styles": [{"name": "Big Wave"}]},
        "styles.0.name must be a name of 1 to 64 lower-case letters",
    ),
    ({**STYLIZE, "styles": [{}]}, "a style is given by an image, a name or a number"),
    ({**STYLIZE, "styles": [{"image": FILE, "weight": 0}]}, "styles.0.weight must be greater than 0; got 0"),
    ({**STYLIZE, "strength": 7}, "strength must be between 0 and 1; got 7"),
    ({**STYLIZE, "stroke": 5}, "stroke must be at least 64; got 5"),
    ({**STYLIZE, "size": {"max_side": 10**6}}, "size.max_side must be at most 16384; got 1000000"),
    (
        {**STYLIZE, "optimize": {"steps": 50}},
        "optimize cannot be given: the model magenta-mobile does not take",
    ),
]  # fmt: skip
FORMS: list[tuple[str, Json, str]] = [
    ("generate", {"seed": "x"}, 'seed must be a whole number; got "x"'),
    ("generate", {"format": "gif"}, "the format gif is for animations: give animation too"),
    ("generate", {"frame_milliseconds": "1", "format": "gif"},
     "frame_milliseconds must be at least 20; got 1"),
    ("generate", {"latents": "[1"}, "latents is not JSON: "),
    ("generate", {"seed": (BytesIO(b"7"), "7")},
     "seed is a text and not a file: write -F seed=VALUE without @ or <"),
    ("stylize", {"content": "photo.jpg"}, "write -F content=@photo.jpg"),
    ("stylize", {"style": "painting.jpg"},
     "style painting.jpg is no stored style; to send a picture from a file, write -F style=@painting.jpg"),
    ("stylize", {"style": "My Painting.jpg"}, "write -F style=@My Painting.jpg"),
    ("stylize", {"mask": "/tmp/mask.png"}, "write -F mask=@/tmp/mask.png"),
    ("stylize", {"strength": "much"}, 'strength must be a number; got "much"'),
    ("stylize", {"stroke": "bold"}, 'stroke must be a number of pixels from 64 to 4096, or "native"; got "'),
    ("stylize", {"max_side": "9"}, "max_side must be at least 16; got 9"),
    ("stylize", {"weight": "0"}, "weight must be greater than 0; got 0"),
    ("stylize", {"steps": "50"}, "steps cannot be given: the model magenta-mobile does not take it"),
    ("stylize", {"style": "3"}, "magenta-mobile has no built-in styles"),
    ("transform", {"content": "photo.jpg", "model": "nobody"}, "write -F content=@photo.jpg"),
]  # fmt: skip
QUERIES = [
    ("jobs?limit=0", "limit must be at least 1"),
    ("jobs?limit=many", 'limit must be a whole number; got "many"'),
    ("jobs?cursor=abc", 'cursor must be the next_cursor of the page before; got "abc"'),
    ("jobs?status=dead", "status must be queued, running, succeeded, failed, canceled or expired"),
    ("jobs?colour=red", "colour is not a known field"),
    ("webhooks/deliveries?job=a b", 'job must be the id of a job; got "a b"'),
]


FORBIDDEN = r"\^|\\|\[a-z|\{\d|[Ii]nput should|Value error|pattern|<class|Error\("


def sentences(problem: Json) -> Iterator[str]:
    yield from (fault["detail"] for fault in problem["errors"])
    yield problem["detail"]


def check_plain(problem: Json) -> None:
    """Fail where a sentence holds what only programmers read, or says a field twice."""
    for text in sentences(problem):
        assert not re.search(
            r"\^|\\|\[a-z|\{\d|Input should|input should|Value error|pattern|<class|Error\(", text
        ), text
        assert not re.search(
            r"(?<!\w)/[a-z]+/|None|NoneType|dict|instance", text.replace("/v1/files", "")
        ) or ("=@" in text), text
        first = text.split(" ", 1)[0].rstrip(":")
        assert not text.startswith(f"{first}: {first}"), text


def tell(problem: Json, sentence: str) -> bool:
    return any(sentence in text for text in sentences(problem))


@pytest.mark.parametrize(("body", "sentence"), MISTAKES)
def test_a_mistake_in_json_is_told_in_a_sentence(client: FlaskClient, body: Json, sentence: str) -> None:
    problem = client.post("/v1/jobs", json=body).json
    assert problem["status"] == 422
    assert tell(problem, sentence), list(sentences(problem))
    check_plain(problem)


@pytest.mark.parametrize(("form", "fields", "sentence"), FORMS)
def test_a_mistake_in_a_form_is_told_in_its_words(
    client: FlaskClient, form: str, fields: Json, sentence: str
) -> None:
    whole = {} if form == "generate" else {"content": (BytesIO(pictures.png(40, 40)), "a.png")}
    if form == "stylize":
        whole["style"] = (BytesIO(pictures.png(40, 40)), "b.png")
    kind = "multipart/form-data"
    problem = client.post(f"/v1/jobs/{form}", data=whole | fields, content_type=kind).json
    assert problem["status"] == 422
    assert tell(problem, sentence), list(sentences(problem))
    check_plain(problem)


@pytest.mark.parametrize(("path", "sentence"), QUERIES)
def test_a_mistake_in_a_query_is_told_in_a_sentence(client: FlaskClient, path: str, sentence: str) -> None:
    problem = client.get(f"/v1/{path}").json
    assert problem["status"] == 422
    assert tell(problem, sentence), list(sentences(problem))
    check_plain(problem)


def test_a_file_sent_as_a_text_is_told_with_what_to_write(client: FlaskClient) -> None:
    upload = client.post("/v1/files", data={"file": "photo.jpg"}, content_type="multipart/form-data").json
    assert tell(upload, "file is missing; to send a picture from a file, write -F file=@photo.jpg")
    form = {"name": "waves", "image": "wave.jpg"}
    style = client.post("/v1/styles", data=form, content_type="multipart/form-data").json
    assert tell(style, "write -F image=@wave.jpg")
    assert [fault["pointer"] for fault in style["errors"]] == ["/image"]
    wrong = client.post(
        "/v1/jobs/stylize", data="content=a", content_type="application/x-www-form-urlencoded"
    ).json
    assert "With curl, write -F in place of -d" in wrong["detail"]
