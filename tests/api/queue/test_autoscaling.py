"""What KEDA would read of `/v1/stats`, by the paths and the address of the manifests."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from flask.testing import FlaskClient

from api.app import create_app
from api.services import Services, build_services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.jobs import stats as job_stats
from shared.settings import Settings
from tests.support.jobs.fake_worker import FakeWorker

FOLDER = Path(__file__).parents[3] / "deploy/kubernetes"
LOCATION = re.compile(
    r'lanes\.#\(lane=="(\w+)"\)\.(\w+)\.(\w+)'
)  # in GJSON's form: the first lane of that name
TRIGGERS = {
    (lane, trigger["name"]): trigger["metadata"]
    for lane in ("interactive", "bulk")
    for trigger in yaml.safe_load((FOLDER / f"components/keda/{lane}.yaml").read_text("utf-8"))["spec"][
        "triggers"
    ]
}
GENERATE = {"type": "generate", "seeds": [1]}


def value_at(body: dict[str, Any], location: str) -> Any:
    found = LOCATION.fullmatch(location)
    assert found, location
    lane = next(each for each in body["lanes"] if each["lane"] == found[1])
    return lane[found[2]][found[3]]


def read(client: FlaskClient, lane: str, name: str) -> Any:
    """Return what one trigger reads; KEDA takes anything but a number for a failure."""
    trigger = TRIGGERS[lane, name]
    response = client.get(urlsplit(trigger["url"]).path)
    assert response.status_code == 200, response.json
    return value_at(response.json, trigger["valueLocation"])


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.mark.parametrize(("lane", "name"), TRIGGERS)
def test_an_empty_queue_is_the_number_0_and_no_missing_one(client: FlaskClient, lane: str, name: str) -> None:
    value = read(client, lane, name)
    assert is_number(value)
    assert value == 0


def test_waiting_and_running_jobs_of_the_own_lane_count(client: FlaskClient, worker: FakeWorker) -> None:
    first, *_ = [client.post("/v1/jobs", json=GENERATE).json["id"] for _ in range(3)]
    client.post("/v1/batches", json={"items": [GENERATE] * 70, "lane": "bulk"})
    worker.claim(first)
    assert read(client, "interactive", "jobs") == 3
    assert read(client, "bulk", "jobs") == 70, "not the doorbells, of which there are at most 64"
    assert 0 <= read(client, "bulk", "oldest") < 60


def test_work_that_runs_keeps_its_worker_though_nothing_waits(
    client: FlaskClient, worker: FakeWorker
) -> None:
    worker.claim(client.post("/v1/jobs", json=GENERATE).json["id"])
    assert (read(client, "interactive", "jobs"), read(client, "interactive", "oldest")) == (1, 0)


def test_a_part_of_the_load_does_not_pass_for_all_of_it(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/v1/jobs", json=GENERATE)
    client.post("/v1/jobs", json={**GENERATE, "lane": "bulk"})
    monkeypatch.setattr(job_stats, "MOST_ROWS", 1)
    assert client.get("/v1/stats").json["whole"] is False
    assert [read(client, *each) for each in TRIGGERS] == [None] * len(TRIGGERS)


def test_a_store_that_is_away_is_an_error(tmp_path: Path) -> None:
    services = build_services(Settings(redis_url=f"unix://{tmp_path}/nobody.sock", state_dir=tmp_path))
    assert create_app(services).test_client().get("/v1/stats").status_code == 503


def test_a_key_for_the_numbers_reads_them_and_nothing_else(client: FlaskClient, services: Services) -> None:
    _, text = KeyStore(services.store.scripts).create("keda", owner="keda", scopes=frozenset({Scope.METRICS}))
    bearer = {"Authorization": f"Bearer {text}"}
    assert client.get("/v1/stats").status_code == 401
    assert client.get("/v1/stats", headers=bearer).status_code == 200
    assert client.get("/v1/jobs", headers=bearer).status_code == 403


def test_the_name_in_the_address_is_known() -> None:
    settings = (FOLDER / "base/settings.env").read_text("utf-8")
    (names,) = re.findall(r"(?m)^ATELIER_API_KNOWN_HOSTS=(.*)$", settings)
    assert {urlsplit(each["url"]).hostname for each in TRIGGERS.values()} <= set(names.split(","))
