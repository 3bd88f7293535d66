"""The compose file and its example of settings agree with the settings there are. Needs no engine."""

import re
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from shared.settings import Settings
from tests.support.compose_stack import ROOT

# What the images and the compose file settle: where things lie and how the parts find each other.
SETTLED = {
    "ATELIER_URL",
    "REDIS_URL",
    "ATELIER_STATE_DIR",
    "ATELIER_STORAGE_URL",
    "ATELIER_MODELS_DIR",
    "ATELIER_CARDS_DIR",
    "ATELIER_WORKER_GRACE_SECONDS",
    "ATELIER_WORKER_HEALTH_FILE",
    "ATELIER_API_HOST",
    "ATELIER_API_PORT",
}
COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")


def settings_variables() -> dict[str, Any]:
    """Return each variable's default."""
    found: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        value = field.default
        inner = dict(value) if isinstance(value, BaseModel) else {}
        found |= {f"ATELIER_{name}_{part}".upper(): default for part, default in inner.items()}
        if not inner:
            found[f"ATELIER_{name}".upper()] = value
    del found["ATELIER_REDIS_URL"]
    return found | {"REDIS_URL": ""}  # without which `atelier up` runs a server of its own


def passed_on() -> set[str]:
    return set(yaml.safe_load(COMPOSE)["services"]["api"]["environment"])


def example() -> dict[str, str]:
    return dict(re.findall(r"(?m)^#([A-Z_]+)=(.*)$", EXAMPLE))


def interpolated() -> dict[str, str]:
    """Return the variables of the compose file itself, with their defaults; within some stand older names."""
    return {name: value for name, _, value in re.findall(r"\$\{([A-Z_]+):-(\$\{\w+:-)?([^}]*)\}", COMPOSE)}


def test_every_setting_can_be_set_or_is_settled() -> None:
    assert passed_on() | SETTLED == set(settings_variables())


def test_the_example_names_every_setting_and_every_variable_of_the_compose_file() -> None:
    assert set(example()) == set(settings_variables()) | set(interpolated())


def test_whoever_exports_the_whole_example_can_run_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in example().items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_env()
    monkeypatch.undo()
    assert settings == Settings()


def test_the_examples_values_are_the_defaults() -> None:
    defaults = {
        name: "" if value is None else str(value) for name, value in settings_variables().items()
    } | interpolated()
    different = {
        name: (value, defaults[name])
        for name, value in example().items()
        if value != defaults[name] and float(value) != float(defaults[name])
    }
    assert not different


def test_workers_are_given_more_time_to_stop_than_they_take() -> None:
    grace = settings_variables()["ATELIER_WORKER_GRACE_SECONDS"]
    for name in ("worker", "worker-io"):
        given = yaml.safe_load(COMPOSE)["services"][name]["stop_grace_period"]
        assert int(given.removesuffix("s")) > grace
