"""The panel Paint offers to enlarge where a worker can, and asks for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from atelier.local.stack import RunningStack
from tests.web.conftest import Visits
from tests.web.test_paint import with_photo

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]
FIELD = "#paint-enlarge"


def test_the_factors_that_workers_have_are_offered_and_asked_for(
    visits: Visits, stack: RunningStack, photo: Path
) -> None:
    visit = with_photo(visits, stack, photo)
    visit.page.locator("atelier-paint-settings details summary").click()
    expect(visit.page.locator("#paint-size")).to_be_visible()
    expect(visit.page.locator(FIELD)).to_be_hidden()  # the worker of this installation has no such model

    def with_enlarger(route: Any) -> None:
        answer = route.fetch()
        models = [
            {**model, "available": model["available"] or model["name"] == "enlarge-x2"}
            for model in answer.json()["data"]
        ]
        route.fulfill(response=answer, json={**answer.json(), "data": models})

    visit.page.route("**/v1/models", with_enlarger)
    visit.page.reload()
    visit.page.locator("atelier-stage input[type=file]").first.set_input_files(photo)
    visit.page.locator(".style-tile").nth(1).click()
    visit.page.locator("atelier-paint-settings details summary").click()
    options = visit.page.locator(f"{FIELD} option")
    expect(options).to_have_text(["As painted", "2 times"])
    visit.page.locator(FIELD).select_option("2")
    visit.allow("422")  # no worker has the model: the list above only says so
    with visit.page.expect_request(is_enlarged):
        visit.page.get_by_role("button", name="Paint", exact=True).click()


def is_enlarged(request: Any) -> bool:
    """Whether a request asks for a job whose result is enlarged twice."""
    sent = request.post_data if request.method == "POST" and request.url.endswith("/v1/jobs") else None
    return sent is not None and json.loads(sent)["output"].get("enlarge") == 2
