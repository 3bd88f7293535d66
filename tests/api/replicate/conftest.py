"""A client of the Replicate face, and what its tests share."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services, make_fetcher
from tests.support.jobs.fake_worker import FakeWorker

HOME = "/replicate/v1"
DIGITS, PAINTER = "atelier/mnist-dcgan", "atelier/magenta-mobile"

Json = dict[str, Any]
Create = Callable[..., TestResponse]
ClientWith = Callable[..., FlaskClient]


@pytest.fixture
def client_with(services: Services) -> ClientWith:
    """Return a client of the service under other settings."""

    def make(**settings: Any) -> FlaskClient:
        changed = services.settings.model_copy(update=settings)
        return create_app(
            dataclasses.replace(services, settings=changed, fetcher=make_fetcher(changed))
        ).test_client()

    return make


@pytest.fixture
def create(client: FlaskClient) -> Create:
    """Ask for a prediction of a model, by the address of the model."""

    def ask(input: Json | None = None, model: str = DIGITS, prefer: str = "", **more: Any) -> TestResponse:
        headers = {"Prefer": prefer} if prefer else {}
        body = {"input": {"seed": 7} if input is None else input, **more}
        return client.post(f"{HOME}/models/{model}/predictions", json=body, headers=headers)

    return ask


@pytest.fixture
def done(create: Create, worker: FakeWorker, client: FlaskClient) -> Json:
    """A prediction that has succeeded."""
    made = create().json
    worker.run(made["id"])
    found: Json = client.get(f"{HOME}/predictions/{made['id']}").json
    return found


def version_of(client: FlaskClient, model: str = DIGITS) -> str:
    version: str = client.get(f"{HOME}/models/{model}").json["latest_version"]["id"]
    return version


def read(client: FlaskClient, job_id: str) -> Json:
    found: Json = client.get(f"{HOME}/predictions/{job_id}").json
    return found
