"""Notices by mail: one server, which the operator names, and no recipient whom it does not admit."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr, ValidationError

from shared.mail_settings import MailSettings
from shared.webhooks.delivery import Delivery, delivery_from_record
from tests.support.http.mail_server import MailServer, mail_server
from worker.webhooks.mail import NOT_REACHED, NOT_SET_UP, message_of, send_mail
from worker.webhooks.notices import Notice

SENDER = "atelier@example.org"
NOTICE = Notice("wedding: completed", "3 of 3 succeeded\nbatch_1", "https://atelier.example/sheet", "good")


@pytest.fixture
def post_office() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def settings(url: str, to: str = "@example.org") -> MailSettings:
    return MailSettings(server=SecretStr(url), sender=SENDER, to=to)


def delivery(recipient: str = "ada@example.org") -> Delivery:
    numbers = dict.fromkeys(("attempt", "tries", "sequence", "created_at"), "1")
    return delivery_from_record(
        {
            **numbers, "id": "msg_1", "owner": "o", "kind": "batch", "subject": "batch_1", "private": "0",
            "event": "batch.completed", "url": f"mailto:{recipient}", "host": "mail", "base": "",
            "status": "pending", "template": "mail",
        }
    )  # fmt: skip


def test_a_mail_goes_to_the_server_that_the_operator_names(post_office: MailServer) -> None:
    result = send_mail(delivery(), NOTICE, settings(post_office.url))
    (mail,) = post_office.mails
    assert (result.status, result.error) == (250, "")
    assert (mail["To"], mail["From"], mail["Subject"]) == ("ada@example.org", SENDER, NOTICE.title)
    assert (mail["Message-ID"], mail["Auto-Submitted"]) == ("<msg_1@example.org>", "auto-generated")
    assert mail.get_content().split() == f"{NOTICE.text} {NOTICE.link}".split()


def test_a_recipient_who_is_unknown_there_is_an_answer(post_office: MailServer) -> None:
    post_office.recipient_answer = "550 nobody"
    result = send_mail(delivery(), NOTICE, settings(post_office.url))
    assert (result.status, post_office.mails) == (550, [])


def test_nobody_else_gets_mail(post_office: MailServer) -> None:
    for recipient in ("ada@elsewhere.example", "ada@example.org.evil.example"):
        assert send_mail(delivery(recipient), NOTICE, settings(post_office.url)).error == NOT_SET_UP
    assert send_mail(delivery(), NOTICE, MailSettings()).error == NOT_SET_UP
    assert post_office.commands == []


def test_no_password_goes_out_without_tls(post_office: MailServer) -> None:
    with_password = post_office.url.replace("smtp://", "smtp://ada:secret@")
    assert send_mail(delivery(), NOTICE, settings(with_password)).error == NOT_REACHED
    said = [command.split()[0].lower() for command in post_office.commands]
    assert (said[0], "auth" in said, "mail" in said) == ("ehlo", False, False)


def test_a_server_that_is_not_there_is_no_answer() -> None:
    result = send_mail(delivery(), NOTICE, settings("smtp://127.0.0.1:9"))
    assert (result.status, result.error) == (None, NOT_REACHED)


def test_a_title_of_another_script_comes_through() -> None:
    message = message_of(delivery(), Notice("결혼식: completed", "좋아요", "", "good"), SENDER)
    assert (message["Subject"], message.get_content().strip()) == ("결혼식: completed", "좋아요")


@pytest.mark.parametrize(
    "given",
    [
        {"server": "http://mail.example"},
        {"server": "smtp://"},
        {"server": "smtp://mail.example"},  # no sender
        {"to": "everybody"},
        {"server": "smtp://mail.example", "sender": "a@b.example\nBcc: c@d.example"},
    ],
)
def test_settings_that_are_none_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        MailSettings.model_validate(given)
