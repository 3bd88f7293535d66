"""The id of a request leads from an answer, or from what it made, to the log."""

from tests.support.http.gunicorn_server import LoopbackGunicorn

DIGIT = {"type": "generate", "seed": 7}


def test_a_job_keeps_the_id_of_the_request_that_made_it(service: LoopbackGunicorn) -> None:
    headers = {"X-Request-Id": "trace-1", "Idempotency-Key": "one"}
    job = service.http.post("/v1/jobs", json=DIGIT, headers=headers).json()
    again = service.http.post("/v1/jobs", json=DIGIT, headers={**headers, "X-Request-Id": "trace-2"})
    read = service.http.get(f"/v1/jobs/{job['id']}", headers={"X-Request-Id": "trace-3"})
    assert [job["request_id"], again.json()["request_id"], read.json()["request_id"]] == ["trace-1"] * 3
    assert [again.headers["x-request-id"], read.headers["x-request-id"]] == ["trace-2", "trace-3"]


def test_a_form_and_a_request_without_an_id_have_one_too(service: LoopbackGunicorn) -> None:
    response = service.http.post("/v1/jobs/generate", data={"seed": "7"})
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert response.json()["request_id"].startswith("req_")


def test_a_batch_keeps_it_for_all_of_its_items(service: LoopbackGunicorn) -> None:
    response = service.http.post("/v1/batches", json={"items": [DIGIT]}, headers={"X-Request-Id": "many"})
    batch = response.json()
    assert batch["request_id"] == "many"
    assert service.http.get(batch["urls"]["self"]).json()["request_id"] == "many"
    (item,) = service.http.get(batch["urls"]["items"]).json()["data"]
    assert service.http.get(f"/v1/jobs/{item['id']}").json()["request_id"] is None


def test_an_id_that_could_break_a_line_of_the_log_is_replaced(service: LoopbackGunicorn) -> None:
    for odd in ("a b", "x" * 129, "\x1b[31m", '"', "é"):
        response = service.http.get("/v1/limits", headers={b"X-Request-Id": odd.encode("latin-1")})
        assert response.status_code in (200, 400)
        assert response.headers["x-request-id"].startswith("req_")
