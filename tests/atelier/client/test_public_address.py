"""A client within the network of the service, whose public address leads elsewhere."""

import pytest

from atelier import Client, GenerateRequest
from tests.support.jobs.fake_worker import PICTURE

PUBLIC = "https://pictures.invalid/atelier"


@pytest.fixture
def public_url() -> str:
    return PUBLIC


@pytest.mark.usefixtures("busy_worker")
def test_a_picture_comes_from_the_address_that_the_client_was_given(client: Client) -> None:
    (picture,) = client.generate(seed=7)
    assert picture.output.url.startswith(PUBLIC)
    assert picture.data == PICTURE


@pytest.mark.usefixtures("artist")
def test_so_does_that_of_an_item(client: Client) -> None:
    run = client.batches.create([GenerateRequest(seed=7)])
    (item,) = list(run)
    assert item.outputs[0].output.url.startswith(PUBLIC)
    assert run.download(item)  # which compares its digest
