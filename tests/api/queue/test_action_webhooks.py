"""A bulk action that tells somebody when it is over."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.actions.runner import ActionRunner
from shared.network_settings import WebhookSettings
from shared.settings import Settings
from tests.support.http.receiver import Receiver
from worker.webhooks.dispatcher import Dispatcher

Json = dict[str, Any]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook": WebhookSettings(allow_private="true")})


@pytest.fixture
def runner(services: Services) -> ActionRunner:
    return ActionRunner(services.store, services.memory)


def begin(client: FlaskClient, url: str, *, events: list[str] | None = None, **more: Any) -> Json:
    webhook: Json = {"url": url, **({"events": events} if events else {})}
    answer = client.post("/v1/actions", json={"do": "cancel", "filter": {}, "webhook": webhook, **more})
    assert answer.status_code == 202, answer.json
    action: Json = answer.json
    return action


def test_the_end_of_an_action_is_told_once_with_its_counts(
    client: FlaskClient, runner: ActionRunner, dispatcher: Dispatcher, told: Receiver
) -> None:
    for _ in range(3):
        client.post("/v1/jobs", json={"type": "generate"})
    action = begin(client, told.url)
    dispatcher.run()
    assert told.received == []
    runner.go_on()
    dispatcher.run()
    dispatcher.run()
    (request,) = told.received
    done = client.get(action["urls"]["self"]).json
    assert (request.event["type"], request.event["data"]) == ("action.completed", done)
    assert (done["succeeded"], request.event["timestamp"]) == (3, done["completed_at"])
    (delivery,) = client.get(f"/v1/webhooks/deliveries?action={action['id']}").json["data"]
    assert (delivery["status"], delivery["action"], delivery["batch"]) == ("delivered", action["id"], None)
    assert delivery["urls"]["action"] == action["urls"]["self"]


def test_an_action_that_was_canceled_says_so_and_only_what_is_wanted_is_told(
    client: FlaskClient, dispatcher: Dispatcher, told: Receiver
) -> None:
    for events in (None, ["action.completed"]):
        client.post(begin(client, told.url, events=events)["urls"]["cancel"])
    dispatcher.run()
    assert [request.event["type"] for request in told.received] == ["action.canceled"]


@pytest.mark.parametrize(
    ("webhook", "pointer"),
    [({"url": "ftp://a.example"}, "/webhook/url"), ({"url": "http://a", "events": ["x"]}, "/webhook/events")],
)
def test_what_is_no_webhook_of_an_action_is_refused(client: FlaskClient, webhook: Json, pointer: str) -> None:
    answer = client.post("/v1/actions", json={"do": "cancel", "filter": {}, "webhook": webhook})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith(pointer)
    assert client.get("/v1/actions").json["data"] == []


def test_an_address_that_may_not_be_told_is_refused(client: FlaskClient) -> None:
    webhook = {"url": "http://169.254.169.254/x"}
    answer = client.post("/v1/actions", json={"do": "cancel", "filter": {}, "webhook": webhook})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/webhook/url")


def test_what_was_told_is_forgotten_with_its_action(
    client: FlaskClient, services: Services, runner: ActionRunner, told: Receiver, dispatcher: Dispatcher
) -> None:
    action = begin(client, told.url)
    runner.go_on()
    (delivery,) = client.get("/v1/webhooks/deliveries").json["data"]
    redis = services.store.client
    redis.zadd("atelier:expiring", {action["id"]: 1}, xx=True)  # its week is over
    redis.delete(f"atelier:action:{action['id']}")
    services.store.expire()
    dispatcher.run()
    assert (told.received, client.get("/v1/webhooks/deliveries").json["data"]) == ([], [])
    assert client.get(delivery["urls"]["self"]).status_code == 404
    left = (
        redis.keys("atelier:*deliver*") + redis.keys("atelier:told:*") + redis.keys("atelier:webhooks:due*")
    )
    assert (left, redis.zcard("atelier:expiring")) == ([], 0)
