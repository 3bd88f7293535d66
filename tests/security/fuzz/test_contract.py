"""Requests made from the OpenAPI document, by two owners; `make fuzz` makes 20,000."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
import schemathesis
from requests.adapters import HTTPAdapter
from urllib3.response import HTTPResponse

from atelier.local.redis_server import EmbeddedServer
from tests.security.fuzz.contract.people import Town, town
from tests.security.fuzz.contract.suite import Contract, check_contract

REQUESTS = 700
SEED = 1
JOB = "job_" + "a" * 32

# What libraries of schemathesis warn of is not ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def here(module_server: EmbeddedServer, folder: Path) -> Iterator[Town]:
    with town(module_server.url, folder / "town") as found:
        yield found


@pytest.mark.slow
def test_responses_are_as_the_document_says_and_tell_nobody_of_others(here: Town) -> None:
    report = check_contract(here, REQUESTS, SEED, lambda *_: None)
    assert (report.tried >= REQUESTS, report.findings) == (True, [])
    assert {"200", "202", "404", "422"} <= set(report.notes["statuses"].replace(",", "").split())
    log = here.service.log.read_text("utf-8")
    assert "Traceback" not in log, log[log.find("Traceback") - 300 :][:5000]
    assert " ERROR " not in log


@pytest.fixture
def contract(here: Town) -> Contract:
    return Contract(here)


def faults(contract: Contract, path: str, answer: requests.Response, *, person: int = 1) -> list[str]:
    """Return what is found in a response that somebody gets."""
    schema = schemathesis.openapi.from_dict(contract.town.service.http.get("/openapi.json").json())
    case = schema[path]["GET"].Case(path_parameters={"job_id": JOB})
    contract._judge(case, contract.town.people[person], answer)
    return [finding.fault for finding in contract.report.findings]


def response(url: str, status: int, text: str, kind: str = "application/json") -> requests.Response:
    asked = requests.Request("GET", f"http://127.0.0.1{url}").prepare()
    headers = {"Content-Type": kind}
    raw = HTTPResponse(BytesIO(text.encode()), headers=headers, status=status, preload_content=False)
    return HTTPAdapter().build_response(asked, raw)


PROBLEM = "application/problem+json"


def test_an_error_of_the_server_is_noticed(contract: Contract) -> None:
    found = faults(contract, "/v1/jobs/{job_id}", response(f"/v1/jobs/{JOB}", 500, "{}", PROBLEM))
    assert any(fault.startswith("500") for fault in found)


def test_a_response_that_is_not_described_is_noticed(contract: Contract) -> None:
    found = faults(contract, "/v1/jobs/{job_id}", response(f"/v1/jobs/{JOB}", 200, '{"id": 7}'))
    assert any("is not of type" in fault or "required property" in fault for fault in found), found


def test_a_trace_is_noticed(contract: Contract) -> None:
    text = '{"detail": "Traceback (most recent call last):"}'
    found = faults(contract, "/v1/jobs/{job_id}", response(f"/v1/jobs/{JOB}", 404, text, PROBLEM))
    assert any(fault.startswith("a stack trace") for fault in found)


def test_what_is_another_owners_is_noticed(contract: Contract) -> None:
    anna, bert = contract.town.people
    theirs, mine = anna.seen["job_id"][0], bert.seen["job_id"][0]
    page = response("/v1/jobs", 200, f'{{"data": ["{theirs}", "{mine}", "{anna.mark}"]}}')
    found = faults(contract, "/v1/jobs", page)
    assert f"bert sees what is anna's: {sorted([theirs, anna.mark])}" in found


def test_an_answer_for_what_is_another_owners_is_noticed(contract: Contract) -> None:
    theirs = contract.town.people[0].seen["batch_id"][0]
    found = faults(contract, "/v1/jobs", response(f"/v1/batches/{theirs}", 200, '{"data": []}'))
    assert any(fault.startswith("bert was answered for what is anna's") for fault in found)


def test_a_refusal_may_repeat_what_was_asked_for(contract: Contract) -> None:
    theirs = contract.town.people[0].seen["job_id"][0]
    url = f"/v1/jobs/{theirs}"
    headers = {"Authorization": f"Bearer {contract.town.people[1].key}"}
    refused = contract.town.service.http.get(url, headers=headers)
    assert theirs in refused.text
    answer = response(url, refused.status_code, refused.text, PROBLEM)
    assert faults(contract, "/v1/jobs/{job_id}", answer) == []
