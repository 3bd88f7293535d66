"""The compose file and its example of settings agree with the settings there are. Needs no engine."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from shared.settings import Settings
from tests.support.compose_stack import ROOT
from tests.support.pages.pages import blocks_of
from worker.tuning.tuned import tuned_file

# What the images and the compose file settle: where things lie and how the parts find each other.
SETTLED = {
    "ATELIER_URL",
    "REDIS_URL",
    "ATELIER_STATE_DIR",
    "ATELIER_STORE_MEMORY_MEBIBYTES",  # REDIS_MAXMEMORY here
    "ATELIER_MODELS_DIR",
    "ATELIER_CARDS_DIR",
    "ATELIER_WORKER_GRACE_SECONDS",
    "ATELIER_WORKER_HEALTH_FILE",
    "ATELIER_API_HOST",
    "ATELIER_API_PORT",
    "ATELIER_API_KEY",  # for clients
}
COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
OPEN_TELEMETRY = "OTEL_"  # with which variables begin that its library reads
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


def given() -> set[str]:
    """Return the variables that the compose file gives to the API."""
    return set(yaml.safe_load(COMPOSE)["services"]["api"]["environment"])


def passed_on() -> set[str]:
    """Return those of them that are Atelier's; a file may hold the value of one."""
    own = {name for name in given() if not name.startswith(OPEN_TELEMETRY)}
    return {name if name in settings_variables() else name.removesuffix("_FILE") for name in own}


def whole_example() -> dict[str, str]:
    return dict(re.findall(r"(?m)^#([A-Z_]+)=(.*)$", EXAMPLE))


def example() -> dict[str, str]:
    return {name: value for name, value in whole_example().items() if not name.startswith(OPEN_TELEMETRY)}


def interpolated() -> dict[str, str]:
    """Return the variables of the compose file itself, with their defaults; within some stand older names."""
    return {name: value for name, _, value in re.findall(r"\$\{([A-Z_]+):-(\$\{\w+:-)?([^}]*)\}", COMPOSE)}


def test_every_setting_can_be_set_or_is_settled() -> None:
    assert passed_on() | SETTLED == set(settings_variables())


def test_the_example_names_every_setting_and_every_variable_of_the_compose_file() -> None:
    assert set(example()) == set(settings_variables()) | set(interpolated())


def test_variables_of_open_telemetry_are_passed_on_and_named_and_explained() -> None:
    named = {name for name in whole_example() if name.startswith(OPEN_TELEMETRY)}
    assert named == {name for name in given() if name.startswith(OPEN_TELEMETRY)}
    page = (ROOT / "docs" / "tracing.md").read_text("utf-8")
    short = {name.removeprefix("OTEL_EXPORTER_OTLP") for name in named}
    assert [name for name in short if f"{name}`" not in page] == []


def test_one_who_exports_the_whole_example_can_run_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in whole_example().items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_env()
    monkeypatch.undo()
    assert settings == Settings()


def test_the_examples_values_are_the_defaults() -> None:
    defaults = {
        name: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in settings_variables().items()
    } | interpolated()
    different = {
        name: (value, defaults[name])
        for name, value in example().items()
        if value != defaults[name] and float(value) != float(defaults[name])
    }
    assert not different


def test_the_port_and_the_setting_that_the_start_checks_name_the_same_address() -> None:
    api = yaml.safe_load(COMPOSE)["services"]["api"]
    (port,) = api["ports"]
    published = api["environment"]["ATELIER_API_PUBLISHED_HOST"]
    assert port.startswith(f"{published}:")
    assert published == "${PUBLISHED_HOST:-127.0.0.1}"


def test_without_a_key_file_the_bootstrap_key_is_empty() -> None:
    secrets = yaml.safe_load(COMPOSE)["secrets"]
    assert secrets["bootstrap_key"]["file"] == "${BOOTSTRAP_KEY_FILE:-./deploy/docker/no-bootstrap-key}"
    assert (ROOT / "deploy/docker/no-bootstrap-key").read_text("utf-8") == ""


def test_workers_are_given_more_time_to_stop_than_they_take() -> None:
    grace = settings_variables()["ATELIER_WORKER_GRACE_SECONDS"]
    for name in ("worker", "worker-io"):
        given = yaml.safe_load(COMPOSE)["services"][name]["stop_grace_period"]
        assert int(given.removesuffix("s")) > grace


SERVICES = yaml.safe_load(COMPOSE)["services"]
OF_COMMANDS = {"ATELIER_URL", "ATELIER_API_KEY_FILE"}  # that run in the API's container
PROCESSES = ("api", "worker", "worker-io")


@pytest.mark.parametrize("name", [*PROCESSES, "models"])
def test_every_process_is_given_the_settings_of_the_api(name: str) -> None:
    own = {"ATELIER_ACCESS_BOOTSTRAP_KEY_FILE", *OF_COMMANDS} if name != "api" else set()
    assert SERVICES[name]["environment"].keys() | own == given()


def test_commands_in_the_apis_container_reach_it_with_the_bootstrap_key() -> None:
    environment = SERVICES["api"]["environment"]
    assert environment["ATELIER_URL"] == "http://api:8480"  # and not the public address, which a proxy has
    assert environment["ATELIER_API_KEY_FILE"] == environment["ATELIER_ACCESS_BOOTSTRAP_KEY_FILE"]
    assert environment["ATELIER_API_KNOWN_HOSTS"].startswith("api,")


@pytest.mark.parametrize("name", [name for name in SERVICES if "secrets" in SERVICES[name]])
def test_another_file_for_a_secret_makes_a_new_container(name: str) -> None:
    secrets = yaml.safe_load(COMPOSE)["secrets"]
    files = {
        secrets[secret]["file"].removeprefix("${").partition(":-")[0] for secret in SERVICES[name]["secrets"]
    }
    assert set(SERVICES[name]["labels"].values()) == {f"${{{file}-}}" for file in files}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all("size=" in mount for mount in service["tmpfs"])
    assert {"mem_limit", "cpu_shares", "pids_limit", "restart"} <= set(service)
    assert "healthcheck" in service or service["restart"] == "no"  # which runs for one command
    assert service["image"].startswith("${") or service["image"].startswith("atelier-")


def test_nothing_outside_reaches_the_server_and_the_api_alone_is_published() -> None:
    watchers = ("prometheus", "grafana")
    assert [name for name in SERVICES if SERVICES[name].get("ports")] == ["api", *watchers]
    for name in watchers:  # neither asks who comes, so this machine alone reaches them, wherever the API is
        assert SERVICES[name]["profiles"] == ["monitoring"]
        assert [port.partition(":")[0] for port in SERVICES[name]["ports"]] == ["127.0.0.1"]
    assert SERVICES["redis"]["networks"] == SERVICES["worker"]["networks"] == ["store"]
    assert yaml.safe_load(COMPOSE)["networks"]["store"] == {"internal": True}


def test_the_password_stands_in_no_variable_and_is_only_read_by_the_processes() -> None:
    for name in PROCESSES:
        assert "secrets:/secrets:ro" in SERVICES[name]["volumes"]
        assert "REDIS_URL" not in SERVICES[name]["environment"]
        assert SERVICES[name]["environment"]["REDIS_URL_FILE"] == "/secrets/redis-url"


def test_a_worker_keeps_tuned_settings_where_it_looks_for_them() -> None:
    image = (ROOT / "deploy/docker/worker.Dockerfile").read_text("utf-8")
    folder = tuned_file(Settings(state_dir=Path("/var/lib/atelier"))).parent
    assert f"tuning:{folder}" in SERVICES["worker"]["volumes"]
    assert "ATELIER_STATE_DIR=/var/lib/atelier" in image
    assert str(folder) in image  # made there, so that a new volume belongs to the worker's user


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_that_hangs_is_ended_by_its_parent(name: str) -> None:
    assert SERVICES[name]["command"][:2] == ["python", "-m"]
    assert SERVICES[name]["command"][2] in ("api.watch", "worker.watch")


def start_server(folder: Path, program: str = "valkey-server", **variables: str) -> str:
    """Run the entry script of the server's container, with a folder for its root; return the command."""
    for path in ("bin", "secrets", "proc", "sys/fs/cgroup/memory"):
        (folder / path).mkdir(parents=True, exist_ok=True)
    for name, text in {"docker-entrypoint.sh": 'echo "$@"', program: ""}.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    if not (folder / "proc/meminfo").exists():
        (folder / "proc/meminfo").write_text("MemTotal:       16000000 kB\nMemFree: 1 kB\n")
    entry, (script,) = SERVICES["redis"]["entrypoint"], SERVICES["redis"]["command"]
    script = re.sub(r"(?<!\$)\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1], found[2]), script)
    script = re.sub(r"/(secrets|proc|sys)\b", rf"{folder}/\1", script.replace("$$", "$"))
    environ = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    return subprocess.run([*entry, script], env=environ, capture_output=True, text=True, check=True).stdout


GIB = 1024**3
V1, V2 = "sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory.max"


@pytest.mark.parametrize(
    ("files", "variables", "maxmemory"),
    [
        ({}, {}, 16_000_000 * 1024 // 4),
        ({V2: f"{4 * GIB}\n"}, {}, GIB),
        ({V2: "max\n"}, {}, 16_000_000 * 1024 // 4),
        ({V1: f"{2 * GIB}\n"}, {}, GIB // 2),
        ({V1: "9223372036854771712\n"}, {}, 16_000_000 * 1024 // 4),
        ({V2: f"{64 * GIB}\n"}, {}, 16_000_000 * 1024 // 4),
        ({V2: f"{4 * GIB}\n", "proc/meminfo": "MemTotal: 1000000 kB\n"}, {}, 256_000_000),
        ({V2: f"{4 * GIB}\n"}, {"REDIS_MAXMEMORY": "3gb"}, "3gb"),
        ({V2: f"{4 * GIB}\n"}, {"REDIS_MAXMEMORY": "0"}, "0"),
    ],
)
def test_the_server_takes_a_quarter_of_what_its_container_may_have(
    tmp_path: Path, files: dict[str, str], variables: dict[str, str], maxmemory: int | str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    started = start_server(tmp_path, **variables).split()
    assert started[started.index("--maxmemory") + 1] == str(maxmemory)
    assert started[started.index("--maxmemory-policy") + 1] == "noeviction"


@pytest.mark.parametrize("program", ["valkey-server", "redis-server"])
def test_the_server_draws_a_password_once_and_starts_with_it(
    tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_server(tmp_path, program)
    password = (tmp_path / "secrets" / "redis-password").read_text()
    assert first == start_server(tmp_path, program)
    assert first.startswith(
        f"{program} {tmp_path}/secrets/redis.conf --appendonly yes --appendfsync everysec"
    )
    assert re.fullmatch(r"[A-Za-z0-9]{32,44}", password)
    assert password not in first
    assert (tmp_path / "secrets" / "redis-password").read_text() == password
    assert (tmp_path / "secrets" / "redis.conf").read_text() == f"requirepass {password}\n"
    for name in ("REDIS_URL", *[name for name in os.environ if name.startswith("ATELIER_")]):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "secrets" / "redis-url"))
    assert Settings.from_env().redis_url == f"redis://:{password}@redis:6379/0"


def pages_override(part: str) -> dict[str, Any]:
    """Return an example of docker-compose.override.yml in the page, by a part of it."""
    (text,) = [
        each.text for each in blocks_of("docs/deploy.md") if each.language == "yaml" and part in each.text
    ]
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def test_the_pages_worker_of_one_lane_is_a_worker_that_prometheus_finds() -> None:
    ((name, worker),) = pages_override("extends")["services"].items()
    assert name not in SERVICES
    assert worker["extends"] == {"file": "docker-compose.yml", "service": "worker"}
    assert worker["environment"].keys() <= SERVICES["worker"]["environment"].keys()
    collected = yaml.safe_load((ROOT / "deploy/monitoring/prometheus/prometheus.yml").read_text("utf-8"))
    names = [each["names"] for job in collected["scrape_configs"] for each in job.get("dns_sd_configs", ())]
    assert worker["networks"]["store"]["aliases"] in names


def test_the_page_moves_a_volume_that_there_is() -> None:
    assert pages_override("driver_opts")["volumes"].keys() <= yaml.safe_load(COMPOSE)["volumes"].keys()
