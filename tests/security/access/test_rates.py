"""How many requests a key or an address may send in a minute."""

import re
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.auth import KEYS
from api.server.rates import RequestRates
from api.services import Services
from shared.access.key import DEFAULT_SCOPES, KeyText
from shared.access.store import KeyStore
from shared.errors import StoreUnavailable
from shared.network_settings import RateSettings
from shared.redis.client import Client, connect
from shared.redis.scripts import Scripts
from tests.support.http.openapi_client import CheckedClient
from tests.support.jobs.fake_worker import FakeWorker

SPEC = {"type": "generate", "seed": 7}
FEW = RateSettings(reads_per_minute=3, changes_per_minute=2, failures_per_minute=2)


def client_with(services: Services, rate: RateSettings) -> FlaskClient:
    app = create_app(replace(services, settings=services.settings.model_copy(update={"rate": rate})))
    app.test_client_class = CheckedClient
    return app.test_client()


def new_key(services: Services, name: str = "anna") -> dict[str, str]:
    _, text = KeyStore(services.store.scripts).create(name, owner=name, scopes=DEFAULT_SCOPES)
    return {"Authorization": f"Bearer {text}"}


def statuses(client: FlaskClient, times: int, path: str = "/v1/limits", **parts: Any) -> list[int]:
    return [client.get(path, **parts).status_code for _ in range(times)]


def of(address: str) -> dict[str, Any]:
    return {"environ_overrides": {"REMOTE_ADDR": address}}


def counters(client: Client) -> list[str]:
    return sorted(client.scan_iter("atelier:rate:*"))


def test_a_key_sends_so_much_and_no_more(services: Services) -> None:
    client, anna, bert = client_with(services, FEW), new_key(services), new_key(services, "bert")
    left = [client.get("/v1/limits", headers=anna).headers for _ in range(3)]
    assert [headers["RateLimit-Policy"] for headers in left] == ['"reads";q=3;w=60'] * 3
    found = [re.fullmatch(r'"reads";r=(\d);t=(\d+)', headers["RateLimit"]) for headers in left]
    assert [match and match[1] for match in found] == ["2", "1", "0"]
    refused = client.get("/v1/limits", headers=anna)
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert "at most 3 reads may come in 60 seconds" in refused.json["detail"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit"] == f'"reads";r=0;t={refused.headers["Retry-After"]}'
    assert statuses(client, 1, headers=bert) == [200]


def test_a_key_is_refused_also_where_another_thread_reads_of_its_end_meanwhile(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, keys = client_with(services, FEW), KeyStore(services.store.scripts)
    key, text = keys.create("anna", owner="anna", scopes=DEFAULT_SCOPES)
    anna = {"Authorization": f"Bearer {text}"}
    assert statuses(client, 1, headers=anna) == [200]
    keys.revoke(key.id)
    count = RequestRates.count

    def count_while_keys_are_read(*given: Any, **named: Any) -> Any:
        reading = count(*given, **named)
        client.application.extensions[KEYS].read_again()
        return reading

    monkeypatch.setattr(RequestRates, "count", count_while_keys_are_read)
    assert statuses(client, 1, headers=anna) == [401]


def test_a_key_that_was_revoked_elsewhere_is_refused_by_the_next_request(services: Services) -> None:
    client, keys = client_with(services, FEW), KeyStore(services.store.scripts)
    key, text = keys.create("anna", owner="anna", scopes=DEFAULT_SCOPES)
    anna = {"Authorization": f"Bearer {text}"}
    assert statuses(client, 1, headers=anna) == [200]
    keys.revoke(key.id)
    assert statuses(client, 1, headers=anna) == [401]


def test_a_request_counts_once_also_where_the_keys_have_changed(services: Services) -> None:
    client, anna = client_with(services, FEW), new_key(services)
    told = []
    for name in ("bert", "carl", "dora", "emil"):
        told += statuses(client, 1, headers=anna)
        new_key(services, name)
    assert told == [200, 200, 200, 429]


def test_changes_are_counted_apart_from_reads(services: Services) -> None:
    client, anna = client_with(services, FEW), new_key(services)
    assert statuses(client, 4, headers=anna)[-1] == 429
    made = [client.post("/v1/jobs", json=SPEC, headers=anna) for _ in range(3)]
    assert [response.status_code for response in made] == [202, 202, 429]
    assert made[0].headers["RateLimit-Policy"] == '"changes";q=2;w=60'
    assert "2 changes" in made[2].json["detail"]


def test_after_the_window_it_goes_on(services: Services, redis_client: Client) -> None:
    client, anna = client_with(services, FEW), new_key(services)
    statuses(client, 4, headers=anna)
    (counter,) = counters(redis_client)
    assert 0 < redis_client.ttl(counter) <= 60
    redis_client.pexpire(counter, 1)
    while redis_client.exists(counter):
        pass
    assert statuses(client, 1, headers=anna) == [200]


def test_without_keys_nothing_is_counted_unless_it_is_set(services: Services, redis_client: Client) -> None:
    response = client_with(services, RateSettings()).get("/v1/limits")
    assert "RateLimit" not in response.headers
    assert counters(redis_client) == []
    assert statuses(client_with(services, FEW), 4) == [200, 200, 200, 429]


def test_with_keys_there_are_limits_by_default(services: Services) -> None:
    client, anna = client_with(services, RateSettings()), new_key(services)
    read, made = client.get("/v1/limits", headers=anna), client.post("/v1/jobs", json=SPEC, headers=anna)
    assert read.headers["RateLimit-Policy"] == '"reads";q=12000;w=60'
    assert made.headers["RateLimit-Policy"] == '"changes";q=3000;w=60'
    assert client.get("/v1/limits").headers["RateLimit-Policy"] == '"failures";q=600;w=60'


def test_addresses_are_counted_by_network_where_there_are_many(services: Services) -> None:
    client = client_with(services, RateSettings(reads_per_minute=1))
    told = {
        address: statuses(client, 1, **of(address))[0]
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2:3", "2001:db8:0:1::1")
    }
    assert list(told.values()) == [200, 200, 200, 429, 200]
    assert statuses(client, 1, **of("::ffff:192.0.2.1")) == [429]


def test_failures_are_counted_by_address_and_stop_no_valid_key(services: Services) -> None:
    client, anna = client_with(services, FEW), new_key(services)
    wrong = {"Authorization": f"Bearer {KeyText.new()}"}
    assert statuses(client, 1, headers=wrong) + statuses(client, 1) == [401, 401]
    refused = client.get("/v1/limits", headers=wrong)
    assert refused.status_code == 429
    assert "2 requests without a valid key" in refused.json["detail"]
    assert statuses(client, 1) == [429]
    assert statuses(client, 1, headers=anna) == [200]
    assert statuses(client, 1, **of("192.0.2.1")) == [401]


def test_who_has_a_pages_address_spends_nothing_of_its_key(services: Services, worker: FakeWorker) -> None:
    client, anna = client_with(services, FEW), new_key(services)
    job = client.post("/v1/jobs", json=SPEC, headers=anna).json
    worker.run(job["id"])
    url = client.get(f"/v1/jobs/{job['id']}", headers=anna).json["outputs"][0]["url"]
    assert statuses(client, 4, url, **of("192.0.2.1")) == [200, 200, 200, 429]
    assert statuses(client, 2, headers=anna) == [200, 200]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json", "/", "/v1/nothing"])
def test_health_and_documentation_are_not_counted(
    services: Services, redis_client: Client, path: str
) -> None:
    client = client_with(services, RateSettings(reads_per_minute=1, failures_per_minute=1))
    assert 429 not in statuses(client, 3, path)
    assert counters(redis_client) == []


def scripts_run(client: Client) -> int:
    return int(client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])


def test_counting_takes_one_round_trip_and_none_where_it_is_off(
    services: Services, redis_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.access.table.FRESH_SECONDS", 600.0)  # the keys are not read again
    anna, taken = new_key(services), []
    some = RateSettings(reads_per_minute=100, failures_per_minute=100)
    for rate in (some, RateSettings(reads_per_minute=0, failures_per_minute=0)):
        client = client_with(services, rate)
        statuses(client, 1, headers=anna)
        before = scripts_run(redis_client)
        statuses(client, 5, headers=anna)
        statuses(client, 5)
        taken.append(scripts_run(redis_client) - before)
    assert taken == [10, 0]


def test_the_counters_use_the_connections_of_the_job_store(services: Services, redis_client: Client) -> None:
    anna = new_key(services)
    uncounted, counted = client_with(services, RateSettings(reads_per_minute=0)), client_with(services, FEW)
    statuses(uncounted, 1, headers=anna)
    before = len(redis_client.client_list())
    statuses(counted, 3, headers=anna)
    assert len(redis_client.client_list()) == before


def test_a_full_job_store_is_still_read(services: Services, redis_client: Client) -> None:
    client, anna = client_with(services, FEW), new_key(services)
    redis_client.config_set("maxmemory", "1")
    try:
        assert statuses(client, 4, headers=anna) == [200, 200, 200, 429]
    finally:
        redis_client.config_set("maxmemory", "0")


def test_a_job_store_that_is_away_is_the_usual_503() -> None:
    with connect("unix:///nowhere/redis.sock", retries=0) as away, pytest.raises(StoreUnavailable):
        RequestRates(FEW, Scripts(away)).count("reads", "anna", keys_needed=True)


def test_no_window_is_longer_than_a_minute_where_the_servers_clock_goes_back(redis_client: Client) -> None:
    """A key is kept until a time; by the clock of a new primary that may be minutes away."""
    counted = RequestRates(FEW, Scripts(redis_client))
    counted.count("reads", "anna", keys_needed=True)
    redis_client.expire(*counters(redis_client), 360)
    reading = counted.count("reads", "anna", keys_needed=True)
    assert reading is not None
    assert (reading.count, reading.seconds_left <= 60) == (2, True)
