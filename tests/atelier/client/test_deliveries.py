"""What webhooks were told, and in whose name a client asks: methods and commands, against the service."""

import json

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.queue.deliveries import Delivery
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.webhooks.delivery import DeliveryStatus
from shared.webhooks.store import Deliveries
from tests.support.waiting import eventually

SPEC = {"type": "generate", "seeds": [7], "webhook": {"url": "https://shop.example/told"}}


def run(url: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["--url", url, *words])


def told_of(client: Client) -> Delivery:
    """Have a job end, and return what its webhook is told."""
    job = client.jobs.create(SPEC)
    client.jobs.cancel(job)
    (delivery,) = client.deliveries.list(job=job.id)
    assert delivery.subject == job.id
    return delivery


def note_failure(services: Services, delivery_id: str) -> None:
    """Have the only try of a delivery fail for good, as an io worker notes it."""
    deliveries = Deliveries(services.store)
    (claimed,) = deliveries.claim(1, lease_seconds=60, a_host=1)
    assert claimed.id == delivery_id
    entry = {"at": claimed.created_at, "milliseconds": 12, "status": 500, "error": "no luck"}
    assert deliveries.note(claimed, DeliveryStatus.FAILED, entry)


def test_deliveries_are_found_by_what_they_are_about_and_how_they_stand(client: Client) -> None:
    first, second = told_of(client), told_of(client)
    assert (first.type, first.status, first.url) == ("job.canceled", "pending", "https://shop.example/told")
    assert (first.tries, first.template, first.ended_at) == ((), None, None)
    assert [each.id for each in client.deliveries.list()] == [second.id, first.id]
    assert list(client.deliveries.list(status="failed")) == []
    assert client.deliveries.get(first) == client.deliveries.get(first.id) == first


def test_a_delivery_goes_out_again_with_what_it_says_of_its_tries(client: Client, services: Services) -> None:
    delivery = told_of(client)
    note_failure(services, delivery.id)
    noted = client.deliveries.get(delivery)
    (one,) = noted.tries
    assert (noted.status, one.status_code, one.error, one.milliseconds) == ("failed", 500, "no luck", 12)
    again = client.deliveries.redeliver(noted)
    assert (again.id, again.status, again.ended_at) == (delivery.id, "pending", None)
    with pytest.raises(ApiError) as refused:
        client.deliveries.redeliver("msg_none")
    assert refused.value.code == "delivery_not_found"


def test_the_commands_list_show_and_redeliver(client: Client, services: Services, url: str) -> None:
    delivery = told_of(client)
    note_failure(services, delivery.id)
    headings, row = (line.split("\t") for line in run(url, "deliveries", "list").stdout.splitlines())
    told = dict(zip(headings, row, strict=True))
    assert (told["about"], told["status"], told["latest try"]) == (
        delivery.subject,
        "failed",
        "500 in 12 ms: no luck",
    )
    shown = run(url, "deliveries", "show", delivery.id)
    assert "https://shop.example/told" in shown.stdout
    assert "500 in 12 ms: no luck" in shown.stdout
    assert json.loads(run(url, "deliveries", "show", delivery.id, "--json").stdout)["id"] == delivery.id
    listed = run(url, "deliveries", "list", "--job", delivery.subject, "--status", "failed", "--json")
    assert json.loads(listed.stdout)["id"] == delivery.id
    answer = run(url, "deliveries", "redeliver", delivery.id, "msg_none")
    assert (answer.exit_code, answer.stdout) == (1, f"{delivery.id} goes out again\n")
    assert answer.stderr.startswith("msg_none ")
    assert client.deliveries.get(delivery).status == "pending"
    assert run(url, "deliveries", "list", "--status", "failed").stderr == "There are no such deliveries.\n"


def test_a_client_tells_in_whose_name_it_asks(
    client: Client, services: Services, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = client.identity()
    assert (nobody.owner, nobody.key) == ("anonymous", None)
    assert "none: requests need none" in run(url, "keys", "self").stdout
    key, text = KeyStore(services.store.scripts).create("shop", owner="anna", scopes=DEFAULT_SCOPES)
    with Client(url, key=str(text)) as anna:
        eventually(lambda: anna.identity().key is not None)  # keys are read twice a second
        found = anna.identity()
    assert found.key is not None
    assert (found.owner, set(found.scopes), found.key.id) == ("anna", {*DEFAULT_SCOPES}, key.id)
    assert (found.key.name, found.key.expires_at) == ("shop", None)
    monkeypatch.setenv("ATELIER_API_KEY", str(text))
    assert f"shop ({key.id})" in run(url, "keys", "self").stdout
    assert json.loads(run(url, "keys", "self", "--json").stdout)["owner"] == "anna"
