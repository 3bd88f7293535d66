"""Webhooks through every process, and past the death of the one that delivers."""

from collections.abc import Iterator

import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from atelier.client.client import Client
from atelier.client.request_parts import Webhook
from atelier.client.requests import GenerateRequest
from atelier.local.stack import RunningStack
from tests.support.http.receiver import Received, Receiver, receiver
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def test_a_finished_job_is_told_as_the_api_shows_it(
    stack: RunningStack, client: Client, told: Receiver
) -> None:
    job = client.jobs.wait(client.jobs.create(GenerateRequest(seed=7, webhook=Webhook(url=told.url))))
    (request,) = told.wait_for(1)
    secret = httpx.get(f"{stack.url}/v1/webhooks/secret").json()["secret"]
    event = Verifier(secret).verify(request.body, request.headers)
    assert (event["type"], event["data"]) == ("job.succeeded", client.jobs.get(job).raw)


def test_what_was_told_and_not_noted_is_told_again_under_the_same_id(
    stack: RunningStack, client: Client, told: Receiver
) -> None:
    def kill_at_first(_: Received) -> None:
        if len(told.received) == 1:
            stack.kill("worker-io")

    told.on_request = kill_at_first
    job = client.jobs.wait(client.jobs.create(GenerateRequest(seed=7, webhook=Webhook(url=told.url))))
    first, second = told.wait_for(2, seconds=120)
    assert (first.id, first.body) == (second.id, second.body)
    deliveries = f"{stack.url}/v1/webhooks/deliveries?job={job.id}"
    eventually(lambda: httpx.get(deliveries).json()["data"][0]["status"] == "delivered")
