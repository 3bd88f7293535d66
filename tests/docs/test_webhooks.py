"""The receiver that the page on webhooks shows."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from shared.webhook_keys import new_secret
from worker.webhook_signature import signed_headers

PAGE = Path(__file__).parent.parent.parent / "docs" / "webhooks.md"


def test_the_receiver_takes_each_event_once(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    secret, names = new_secret(), {"__name__": "__main__"}
    exec(code.replace("whsec_...", secret), names)
    app: Any = names["app"]
    body = b'{"type": "job.succeeded", "data": {"id": "job_1"}}'
    headers = signed_headers("msg_1", int(time.time()), body, [new_secret(), secret])
    client = app.test_client()
    assert [client.post("/atelier", data=body, headers=headers).status_code for _ in range(2)] == [204, 204]
    assert capsys.readouterr().out == "job.succeeded job_1\n"
