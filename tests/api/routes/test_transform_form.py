"""POST /v1/jobs/transform."""

from io import BytesIO

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.identifiers import file_id, sha256
from shared.settings import Settings
from tests.support.images.pictures import png, text
from tests.support.models.transform_card import write_card

PATH = "/v1/jobs/transform"


@pytest.fixture(autouse=True)
def _card(settings: Settings) -> None:
    write_card(settings.cards)


def test_a_picture_becomes_a_job(client: FlaskClient) -> None:
    data = png(40, 30)
    form = {"content": (BytesIO(data), "a.png"), "model": "colorizer", "max_side": "20", "format": "webp"}
    response = client.post(PATH, data=form)
    assert (response.status_code, response.json["type"]) == (202, "transform")
    spec = response.json["input"]
    assert (spec["content"], spec["size"]) == (file_id(sha256(data)), {"max_side": 20})
    assert (spec["model"], spec["output"]["format"]) == ("colorizer", "webp")


@pytest.mark.parametrize(
    ("form", "pointer", "code"),
    [
        ({"model": "nobody"}, "/model", "unknown_model"),
        ({}, "/model", "unknown_model"),
        ({"model": "colorizer", "strength": "1"}, "/strength", "unknown_field"),
        ({"model": "colorizer", "content": (text(), "a.png")}, "/content", "unsupported_image_format"),
        ({"model": "colorizer", "content": (png(65, 20), "a.png")}, "/content", "image_too_large"),
        ({"model": "colorizer", "content": None}, "/content", "missing"),
    ],
)
def test_bad_input_is_refused_by_name_and_not_stored(
    client: FlaskClient, services: Services, form: dict[str, object], pointer: str, code: str
) -> None:
    whole = {"content": (png(), "a.png"), **form}
    parts = {
        name: (BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
        for name, value in whole.items()
        if value is not None
    }
    response = client.post(PATH, data=parts, content_type="multipart/form-data")
    assert [(fault["pointer"], fault["code"]) for fault in response.json["errors"]] == [(pointer, code)]
    assert list(services.objects.keys("inputs/")) == []
