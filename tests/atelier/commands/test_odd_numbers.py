"""NaN and infinity in commands, in the client and in settings: reported by name before anything is sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

from atelier import Client, GenerateRequest, Interpolation, Optimization, Style, StylizeRequest
from atelier.cli import main
from atelier.client.errors import ClientError, InvalidValue
from shared.settings import Settings, SettingsError
from tests.support.commands import leaves
from tests.support.http.trouble import Trouble
from tests.support.images import pictures

ODD = ("nan", "inf", "-inf", "1e999")
NAN = float("nan")
FLOATS = [
    (name, param)
    for name, command in leaves()
    for param in command.params
    if isinstance(param.type, click.FloatRange) or param.type.name == "float" or param.name == "strengths"
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(pictures.png())
    Path("photos").mkdir()
    Path("photos/a.png").write_bytes(pictures.png())
    return tmp_path


@pytest.mark.parametrize(("name", "param"), FLOATS, ids=[f"{name} {param.opts[0]}" for name, param in FLOATS])
@pytest.mark.usefixtures("home")
def test_an_option_takes_finite_numbers_alone(name: str, param: click.Parameter) -> None:
    needed = {"stylize": ["a.png", "--style", "a.png"], "transform": ["a.png"]}
    needed["batch"] = ["photos", "--style", "a.png", "-o", "out"]
    needed["train stylizer"] = ["--style", "a.png", "--photos", "photos"]
    for value in ODD:
        words = ["--url", "http://127.0.0.1:9", *name.split(), *needed.get(name, []), param.opts[0], value]
        answer = CliRunner().invoke(main, words)
        assert (answer.exit_code, f"'{param.opts[0]}'" in answer.stderr) == (2, True), answer.output


def test_most_options_with_numbers_were_tried() -> None:
    assert len(FLOATS) > 15


@pytest.mark.parametrize("text", ["[NaN, 1]", "[[1, Infinity]]", "[1e999]"])
@pytest.mark.usefixtures("home")
def test_a_file_of_vectors_holds_finite_numbers(text: str) -> None:
    Path("v.json").write_text(text)
    answer = CliRunner().invoke(main, ["generate", "--latents", "v.json"])
    assert (answer.exit_code, "finite" in answer.stderr) == (2, True)


@pytest.mark.usefixtures("home")
def test_a_file_of_items_holds_finite_numbers(url: str) -> None:
    Path("items.jsonl").write_text('{"type": "generate"}\n{"type": "generate", "truncation": NaN}\n')
    answer = CliRunner().invoke(main, ["--url", url, "batch", "--jsonl", "items.jsonl", "-o", "out"])
    assert answer.exit_code == 1
    assert "line 2 of items.jsonl is no JSON: truncation is nan" in answer.stderr


ASKED: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "latents": (
        "latents.0.1 is nan",
        lambda client: client.jobs.create(GenerateRequest(latents=[[0.5, NAN]])),
    ),
    "an array": (
        "latents.1.0 is inf",
        lambda client: client.generate(latents=np.array([[0.0, 1], [np.inf, 0]], np.float32)),
    ),
    "interpolation": (
        "interpolate.latents.0.0 is nan",
        lambda client: client.generate(interpolate=Interpolation(latents=[[NAN], [1.0]])),
    ),
    "strength": (
        "strength is nan",
        lambda client: client.stylize(pictures.png(), Style(number=1), strength=NAN),
    ),
    "weight": (
        "styles.0.weight is -inf",
        lambda client: client.jobs.create(
            StylizeRequest(content="x", styles=[Style(number=1, weight=-float("inf"))])
        ),
    ),
    "optimization": (
        "optimize.style_weight is nan",
        lambda client: client.stylize(
            pictures.png(), Style(number=1), optimize=Optimization(style_weight=NAN)
        ),
    ),
    "dictionary": ("a.b.0 is nan", lambda client: client.jobs.create({"a": {"b": [NAN]}})),
    "set": ("seeds is of type set", lambda client: client.jobs.create({"seeds": {1, 2}})),
    "template": (
        "template.strength is nan",
        lambda client: client.batches.create(template={"strength": NAN}),
    ),
    "items": ("items.1.truncation is nan", lambda client: client.batches.create([{}, {"truncation": NAN}])),
    "settings": ("metadata.a is nan", lambda client: client.batches.open(metadata={"a": NAN})),  # type: ignore[dict-item]
    "wait": ("timeout_seconds is nan", lambda client: client.jobs.wait("job_1", timeout_seconds=NAN)),
    "client": ("timeout_seconds is nan", lambda _: Client("http://127.0.0.1:9", timeout_seconds=NAN)),
}


@pytest.mark.parametrize(("message", "ask"), ASKED.values(), ids=ASKED)
def test_the_client_tells_the_place_and_asks_for_nothing(
    client: Client, trouble: Trouble, message: str, ask: Callable[[Client], Any]
) -> None:
    with pytest.raises(InvalidValue) as caught:
        ask(client)
    assert message in str(caught.value)
    assert isinstance(caught.value, ClientError)
    assert {path for method, path in trouble.requests if method == "POST"} <= {"/v1/files"}


@pytest.mark.parametrize("name", ["ATELIER_JOBS_HARD_LIMIT_SECONDS", "ATELIER_WORKER_GRACE_SECONDS"])
def test_a_setting_is_a_finite_number(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ODD:
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingsError, match=name):
            Settings.from_env()


def test_json_is_what_it_was(client: Client) -> None:
    body = {"type": "generate", "seed": 7, "metadata": {"é": "\u2028"}}
    assert json.loads(json.dumps(client.jobs.create(body).metadata)) == {"é": "\u2028"}
