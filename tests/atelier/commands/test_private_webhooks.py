"""`atelier up --private-webhooks`: the operator's yes reaches every process."""

import pytest

from atelier.commands.up import settings_of
from atelier.local.processes import Installation


@pytest.mark.parametrize(
    ("said", "option", "allowed"),
    [("", False, "auto"), ("", True, "true"), ("false", True, "true"), ("true", False, "true")],
)
def test_the_yes_reaches_every_process(
    monkeypatch: pytest.MonkeyPatch, said: str, option: bool, allowed: str
) -> None:
    monkeypatch.setenv("ATELIER_WEBHOOK_ALLOW_PRIVATE", said)
    settings = settings_of(host=None, port=None, state_dir=None, private_webhooks=option)
    plan = Installation(settings)
    for process in (plan.api(0, "http://127.0.0.1:1"), *plan.model_workers(2), plan.io_worker()):
        assert process.environ["ATELIER_WEBHOOK_ALLOW_PRIVATE"] == allowed
