"""The panel Paint offers styles of networks that have no sheet, such as those of trained stylizers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.http.gunicorn_server import LoopbackGunicorn
from tests.web.conftest import Visits

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect

pytestmark = pytest.mark.slow
STYLES = {"model": "wave", "styles": [{"number": 0, "name": "Great Wave"}], "sheet_url": None}


def test_a_style_without_a_sheet_is_offered_by_its_name_and_asked_for_by_number(
    visits: Visits, service: LoopbackGunicorn, photo: Path
) -> None:
    visit = visits(service.url)

    def with_own(route: Any, change: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=change(answer.json()))

    def with_model(page: Any) -> Any:
        known = next(model for model in page["data"] if model["name"] == "multistyle-26")
        return {**page, "data": [*page["data"], {**known, "name": "wave", "available": True}]}

    def with_style(page: Any) -> Any:
        return {**page, "builtin": [*page["builtin"], STYLES]}

    visit.page.route("**/v1/models*", lambda route: with_own(route, with_model))
    visit.page.route("**/v1/styles?*", lambda route: with_own(route, with_style))
    visit.page.reload()
    visit.page.locator("atelier-stage input[type=file]").first.set_input_files(photo)
    visit.allow("422")  # the service does not know the model: the lists above only say so
    with visit.page.expect_request(is_painted) as asked:
        visit.page.locator(".style-tile", has_text="Great Wave").click()
    body = json.loads(asked.value.post_data)
    assert (body["model"], body["styles"]) == ("wave", [{"number": 0}])


def is_painted(request: Any) -> bool:
    return request.method == "POST" and request.url.endswith("/v1/jobs")
