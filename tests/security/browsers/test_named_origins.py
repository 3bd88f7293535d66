"""Pages of other origins that the operator has named: they may use the service, and no others."""

import pytest

from tests.security.conftest import LOCAL_PAGE, PAGE
from tests.support.http.gunicorn_server import LoopbackGunicorn

OTHERS = ("https://evil.example", "null", "http://gallery.example", f"{PAGE}.evil.example", f"{PAGE}:444")


def preflight(open_service: LoopbackGunicorn, path: str, **more: str) -> dict[str, str]:
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST", **more}
    response = open_service.http.request("OPTIONS", path, headers=headers)
    assert response.status_code in (200, 204)
    return dict(response.headers)


@pytest.mark.parametrize("origin", [PAGE, LOCAL_PAGE])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_named_page_may_submit_and_read(open_service: LoopbackGunicorn, origin: str, site: str) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": site}
    response = open_service.http.post("/v1/jobs/generate", data={"seed": "7"}, headers=headers)
    assert response.status_code == 202
    assert response.headers["access-control-allow-origin"] == origin
    exposed = response.headers["access-control-expose-headers"].lower().split(", ")
    assert {"location", "retry-after", "etag", "x-request-id", "link"} <= set(exposed)
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"


def test_problems_can_be_read_too(open_service: LoopbackGunicorn) -> None:
    response = open_service.http.post("/v1/jobs", content=b"{", headers={"Origin": PAGE})
    assert response.status_code == 415
    assert response.headers["access-control-allow-origin"] == PAGE


def test_the_browsers_question_is_answered(open_service: LoopbackGunicorn) -> None:
    headers = preflight(open_service, "/v1/jobs/some-job", **{"Access-Control-Request-Method": "PUT"})
    assert headers["access-control-allow-origin"] == PAGE
    assert {"GET", "PUT", "DELETE"} <= set(headers["access-control-allow-methods"].split(", "))
    allowed = headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key", "last-event-id", "prefer"} <= set(allowed)
    assert headers["access-control-max-age"]
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("origin", OTHERS)
def test_all_others_stay_outside(open_service: LoopbackGunicorn, origin: str) -> None:
    assert not [
        name for name in preflight(open_service, "/v1/jobs", Origin=origin) if "access-control" in name
    ]
    assert open_service.http.post("/v1/jobs", headers={"Origin": origin}).status_code == 403
    shown = open_service.http.get("/v1/limits", headers={"Origin": origin}).headers
    assert "access-control-allow-origin" not in shown
    assert shown["cross-origin-resource-policy"] == "same-origin"


def test_caches_keep_the_answers_apart(open_service: LoopbackGunicorn) -> None:
    for headers in ({}, {"Origin": PAGE}, {"Origin": "https://evil.example"}):
        assert "Origin" in open_service.http.get("/v1/limits", headers=headers).headers["vary"]


def test_a_name_in_host_is_not_named_by_that(open_service: LoopbackGunicorn) -> None:
    assert open_service.http.get("/v1/limits", headers={"Host": "gallery.example"}).status_code == 421
