"""The receiver that the page on webhooks shows."""

import time
from typing import Any

import pytest

from shared.signing_secret import new_secret
from tests.support.pages.pages import blocks_of
from worker.webhooks.sender import signed_headers


def test_the_receiver_takes_each_event_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = (block.text for block in blocks_of("docs/webhooks.md") if block.file == "receiver.py")
    secret, names = new_secret(), {"__name__": "__main__"}
    monkeypatch.setenv("SECRET", secret)
    exec(code, names)
    app: Any = names["app"]
    body = b'{"type": "job.succeeded", "data": {"id": "job_1"}}'
    headers = signed_headers("msg_1", int(time.time()), body, [new_secret(), secret])
    client = app.test_client()
    assert [client.post("/atelier", data=body, headers=headers).status_code for _ in range(2)] == [204, 204]
    assert capsys.readouterr().out == "job.succeeded job_1\n"
