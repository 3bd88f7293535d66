"""--webhook: an address for a program, or a notice for people by the word before it."""

import pytest

from atelier.client.request_parts import Webhook
from atelier.commands.options.parameters import read_webhook


@pytest.mark.parametrize(
    ("text", "webhook"),
    [
        ("https://receiver.example/told", Webhook(url="https://receiver.example/told")),
        ("ntfy+https://ntfy.sh/a+b", Webhook(url="https://ntfy.sh/a+b", template="ntfy")),
        ("slack+https://hooks.slack.com/s", Webhook(url="https://hooks.slack.com/s", template="slack")),
        ("mailto:ada+pictures@example.org", Webhook(url="mailto:ada+pictures@example.org", template="mail")),
        ("https://a.example/x+y", Webhook(url="https://a.example/x+y")),
        ("fax+https://a.example/", Webhook(url="fax+https://a.example/")),  # which the service refuses
    ],
)
def test_the_word_before_the_address_is_the_template(text: str, webhook: Webhook) -> None:
    assert read_webhook(text) == webhook
