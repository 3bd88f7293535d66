"""A request hidden in another one is never executed: all shapes, on a real server."""

import pytest

from tests.security.fuzz import smuggling
from tests.security.fuzz.framings.framing import HIDDEN, Framing, Outcome
from tests.security.fuzz.smuggling import FRAMINGS, judge, smuggle
from tests.support.http.gunicorn_server import LoopbackGunicorn

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def test_there_are_enough_shapes() -> None:
    assert len({framing.data for framing in FRAMINGS}) == len({framing.id for framing in FRAMINGS}) >= 160


@pytest.mark.slow
def test_no_hidden_request_is_executed(service: LoopbackGunicorn) -> None:
    report = smuggle(service, FRAMINGS, lambda *_: None)
    assert (report.tried, report.findings) == (len(FRAMINGS), [])
    log = service.log.read_text("utf-8")
    assert "Traceback" not in log
    assert "ERROR" not in log


@pytest.mark.parametrize(
    ("data", "outcome", "fault"),
    [
        (GET + b"\r\n" + HIDDEN, Outcome.ONE, "the hidden request was executed"),
        (GET + b"Connection: close\r\n\r\n" + HIDDEN, Outcome.TWO, "the second request was not executed"),
        (GET + b"\r\n", Outcome.REFUSED, "it was not refused: [200]"),
        (GET + b"\r\n", Outcome.ONE_AND_CLOSED, "the connection was still open"),
        (GET + b"X\r\n\r\n", Outcome.ONE_AND_CLOSED, ""),
    ],
)
def test_what_goes_wrong_is_noticed(
    service: LoopbackGunicorn, monkeypatch: pytest.MonkeyPatch, data: bytes, outcome: Outcome, fault: str
) -> None:
    closes = "still open" in fault
    monkeypatch.setattr(smuggling, "PATIENCE_SECONDS", 1.0 if closes else 60.0)
    assert judge(service, Framing(f"{outcome} {fault}", data, outcome)).startswith(fault)
