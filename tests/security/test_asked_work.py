"""A few bytes cannot ask for more work, memory or storage than the operator allows."""

import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from shared.cards.card import load_catalog
from shared.errors import InvalidRequest
from shared.identifiers import ANONYMOUS, file_id
from shared.redis.client import Client
from shared.setting_groups import BatchRules, JobRules, Limits
from shared.specs.parts import PictureSize
from shared.specs.results import Results
from shared.specs.spec import JOB_SPEC, card_of, resolve
from tests.support.jobs.batch_steps import draft, items
from tests.support.jobs.fake_worker import FakeWorker

DRAWING = {"type": "generate", "seed": 7}
FILE = file_id("0" * 64)
PAINTED = {"type": "stylize", "content": FILE, "styles": [{"image": FILE}]}
YEAR = 365 * 24 * 3600


def template(client: FlaskClient, base: dict[str, Any], seeds: int = 50_000) -> TestResponse:
    multiply = {"seed": {"from": 0, "to": seeds - 1}}
    return client.post("/v1/batches", json={"template": {**base, "multiply": multiply}})


def refused(answer: TestResponse, pointer: str, *words: str) -> None:
    assert answer.status_code == 422
    fault = next(fault for fault in answer.json["errors"] if words[0] in fault["detail"])
    assert (fault["pointer"], fault["code"]) == (pointer, "out_of_range")
    for word in words:
        assert word in fault["detail"]


def records(redis_client: Client) -> list[str]:
    return [*redis_client.keys("atelier:job*"), *redis_client.keys("atelier:batch*")]


def test_161_bytes_do_not_get_twelve_million_files(client: FlaskClient, redis_client: Client) -> None:
    answer = template(client, {"type": "generate", "count": 256, "upscale": {"factor": 32}})
    refused(answer, "/template", "12,800,000 pictures", "500,000", "max_pictures")
    refused(answer, "/template", "10,276.0 gigapixels", "1,000", "max_gigapixels")
    refused(answer, "/template", "GiB of results", "max_result_gibibytes")
    assert records(redis_client) == []


def test_what_a_template_repeats_is_counted_before_it_is_multiplied(
    client: FlaskClient, redis_client: Client
) -> None:
    base = {"type": "generate", "metadata": {str(number): "x" * 512 for number in range(16)}}
    began = time.process_time()
    answer = template(client, base)
    refused(answer, "/template", "MiB of items as JSON", "256", "max_record_mebibytes")
    assert time.process_time() - began < 3
    assert records(redis_client) == []


def page_of(number: int, size: int = 64) -> dict[str, Any]:
    """Return the request for a page of items, each with 8 KB of its own."""
    metadata = {str(place): f"{number}-{place} ".ljust(512, "x") for place in range(15)}
    items = [{**DRAWING, "metadata": metadata, "custom_id": f"{number}-{at}"} for at in range(size)]
    return {"items": [{**item, "metadata": {**metadata, "at": str(at)}} for at, item in enumerate(items)]}


def test_what_a_batch_takes_is_bounded_over_all_of_its_pages(
    client: FlaskClient, redis_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three pages and most of a fourth: what one script stores of that has room, and the whole has none.
    monkeypatch.setattr(BatchRules, "max_record_bytes", 2_340_000)
    place = f"/v1/batches/{client.post('/v1/batches', json={'open': True}).json['id']}"
    answers = [client.post(f"{place}/items", json=page_of(number)) for number in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422, 422]
    refused(answers[3], "/items", "MiB in the job store, and the batch has 1.7 MiB", "max_record_mebibytes")
    assert client.post(f"{place}/items?first=128", json=page_of(2)).status_code == 200  # sent again
    assert client.get(place).json["counts"]["total"] == 3 * 64
    assert len(redis_client.keys("atelier:job:*")) == 3 * 64


def test_what_a_batch_takes_is_counted_as_it_is_stored(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchRules, "max_record_bytes", 40 * 1650)
    batch, _ = services.batches.open(draft())

    def append(page: int) -> None:
        """Add ten items, which no request has checked before."""
        services.batches.append(batch.id, ANONYMOUS, items(10, first=10 * page), first=10 * page)

    for page in range(4):
        append(page)
    with pytest.raises(InvalidRequest, match="max_record_mebibytes"):
        append(4)
    total = services.batches.get(batch.id, ANONYMOUS)
    assert total.counts["total"] == 40
    assert total.record_bytes <= 40 * 1650


def test_a_documented_batch_is_accepted(client: FlaskClient) -> None:
    assert template(client, {"type": "generate", "digit": 3}, seeds=2000).status_code == 202


def test_one_job_has_a_largest_size_that_a_retry_keeps_too(
    client: FlaskClient, services: Services, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = {"type": "generate", "latents": [[0.123456789012345] * 100] * 256}
    job = client.post("/v1/jobs", json=latents).json["id"]
    worker.fail(worker.claim(job))
    monkeypatch.setattr(Limits, "max_spec_bytes", 64 * 1024)
    for answer in (
        client.post("/v1/jobs", json=latents),
        client.put("/v1/jobs/mine", json=latents),
        client.post(f"/v1/jobs/{job}/retry"),
    ):
        refused(answer, "/latents", "bytes", "65536", "max_spec_bytes")
    answer = client.post("/v1/batches", json={"items": [DRAWING, latents]})
    refused(answer, "/items/1/latents", "bytes", "65536", "max_spec_bytes")


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/batches"])
def test_the_operator_says_how_long_a_job_may_stay(client: FlaskClient, path: str) -> None:
    body = DRAWING if path.endswith("jobs") else {"items": [DRAWING]}
    refused(client.post(path, json={**body, "ttl_seconds": YEAR}), "/ttl_seconds", "2592000 s", str(YEAR))
    assert client.post(path, json={**body, "ttl_seconds": 2_592_000}).status_code == 202


def test_a_form_and_a_retry_keep_to_it_too(
    client: FlaskClient, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = client.post("/v1/jobs", json={**DRAWING, "ttl_seconds": 2_000_000}).json["id"]
    worker.fail(worker.claim(job))
    form = {"seed": "1", "ttl_seconds": str(YEAR)}
    refused(client.post("/v1/jobs/generate", data=form), "/ttl_seconds", "2592000 s")
    monkeypatch.setattr(JobRules, "longest_ttl_seconds", 1_000_000)
    refused(client.post(f"/v1/jobs/{job}/retry"), "/ttl_seconds", "1000000 s", "2000000")


def test_what_is_never_below_the_retention() -> None:
    assert JobRules(retention_seconds=100, max_ttl_seconds=10).longest_ttl_seconds == 100


def test_learned_hours_are_bounded(client: FlaskClient, redis_client: Client) -> None:
    asked = template(client, {"type": "generate"}, seeds=1000)
    assert asked.status_code == 202
    work = redis_client.hget(f"atelier:job:job_{asked.json['id'].removeprefix('batch_')}-0", "work")
    redis_client.hset("atelier:pace", work, "7200000")  # two hours each
    refused(template(client, {"type": "generate"}, seeds=1000), "/template", "2,000.0 hours", "max_hours")


def test_the_limits_are_told(client: FlaskClient) -> None:
    told = client.get("/v1/limits").json
    assert (told["max_spec_bytes"], told["max_ttl_seconds"]) == (1024 * 1024, 2_592_000)
    assert told["batch"]["max_items"] == BatchRules().max_items
    assert told["batch"]["max_pictures"] == 500_000


@pytest.mark.parametrize(
    ("asked", "content", "pictures", "pixels"),
    [
        ({"type": "generate", "count": 9}, None, 9, 9 * 28 * 28),
        ({"type": "generate", "count": 9, "upscale": {"factor": 4}}, None, 9, 9 * 112 * 112),
        ({"type": "generate", "count": 9, "grid": {"columns": 3, "gap": 0}}, None, 1, 84 * 84),
        ({"type": "generate", "interpolate": {"seeds": [1, 2], "steps": 16}}, None, 16, 16 * 28 * 28),
        (PAINTED, PictureSize(4000, 3000), 1, 12_000_000),
        ({**PAINTED, "size": {"max_side": 400}}, PictureSize(4000, 3000), 1, 120_000),
        ({**PAINTED, "output": {"format": "webp"}}, PictureSize(100, 100, 20), 1, 200_000),
        (PAINTED, PictureSize(100, 100, 20), 1, 10_000),
    ],
)
def test_what_a_job_makes_is_known_before(
    asked: dict[str, Any], content: PictureSize | None, pictures: int, pixels: int
) -> None:
    catalog = load_catalog()
    spec = resolve(JOB_SPEC.validate_python(asked), catalog)
    made = Results.of(spec, card_of(spec, catalog), content)
    assert (made.pictures, made.pixels) == (pictures, pixels)
    assert made.bytes >= pictures * 4096
