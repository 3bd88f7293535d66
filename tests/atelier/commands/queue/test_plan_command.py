"""`atelier plan` and `client.stats.plan`, against the service."""

import json

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError
from shared.workers import LoadedModel, Worker

LINE = ["plan", "--jobs", "1e6", "--deadline", "24h"]


def run(url: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["--url", url, *words], env={"COLUMNS": "80"})


def test_a_plan_gives_ranges_and_what_they_rest_on(url: str, client: Client, services: Services) -> None:
    services.store.client.hset("atelier:pace", "mnist-dcgan:20", "50 50 100")
    services.roster.announce(Worker("w-1-a", 4, (LoadedModel("mnist-dcgan", "4", "d"),), runners=2))
    shown = run(url, *LINE)
    assert shown.exit_code == 0, shown.output
    for words in (
        "one job, slot time",
        "workers, done in 1 d",
        "time with 1 worker",
        "memory of the job store",
    ):
        assert words in shown.stdout
    assert "measured here" in shown.stdout
    raw = json.loads(run(url, *LINE, "--json").stdout)
    assert (raw["jobs"], raw["deadline_seconds"], raw["workers"]) == (1_000_000, 86_400, 1)
    assert raw["workers_wanted"]["low"] <= raw["workers_wanted"]["high"]
    assert len(f"{raw['storage_bytes']['high']:.0f}".rstrip("0")) <= 2  # no more digits than are known


def test_nonsense_is_refused_with_the_option_or_field_that_it_is_of(url: str, client: Client) -> None:
    for words, said in (
        (["--jobs", "0", "--deadline", "1h"], "no whole number"),
        (["--jobs", "1.5", "--deadline", "1h"], "no whole number"),
        (["--jobs", "10", "--deadline", "soon"], "no time such as"),
        (["--jobs", "10", "--deadline", "1h", "--size", "big"], "no size in pixels"),
        (["--jobs", "10"], "--deadline"),
    ):
        refused = run(url, "plan", *words)
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
    for how, pointer, code in (
        ({"model": "nobody"}, "/model", "unknown_model"),
        ({"model": "multistyle-26"}, "/model", "invalid_request"),
        ({"size": (64, 64)}, "/size", "invalid_request"),
        ({"model": "magenta-mobile", "size": (99_999, 99_999)}, "/size", "image_too_large"),
    ):
        with pytest.raises(ApiError) as wrong:
            client.stats.plan(10, deadline_seconds=60, **how)  # type: ignore[arg-type]
        assert (wrong.value.code, wrong.value.errors[0].pointer) == (code, pointer), how
    with pytest.raises(ApiError):
        client.stats.plan(10, deadline_seconds=0)
