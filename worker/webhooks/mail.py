"""Notices by mail, through the one server that the operator names, to those whom the operator admits.

A client names the recipient alone, so no request decides where this connects to.
"""

import logging
import smtplib
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import SplitResult, unquote, urlsplit

from shared.jobs.views import moment_of
from shared.mail_settings import MailSettings
from shared.specs.webhook import recipient_of
from shared.webhooks.delivery import Delivery
from worker.webhooks.notices import Notice
from worker.webhooks.sender import PostResult

log = logging.getLogger("atelier.webhooks")

SILENCE_SECONDS = 6.0  # of each step: with four or so of them a try ends within its lease
TAKEN = 250
REFUSED_FROM = 400
NOT_REACHED = "the mail server cannot be reached"
NOT_SET_UP = "refused: the io worker has no ATELIER_MAIL_SERVER, or its ATELIER_MAIL_TO does not admit this"


def message_of(delivery: Delivery, notice: Notice, sender: str) -> EmailMessage:
    """Return a notice as a mail. Its id is that of the delivery: a second copy is known as one."""
    message = EmailMessage()
    message["Subject"], message["From"] = notice.title, sender
    message["To"] = recipient_of(delivery.url)
    message["Date"] = format_datetime(moment_of(delivery.created_at))
    message["Message-ID"] = f"<{delivery.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # no robot answers to it (RFC 3834)
    message.set_content(f"{notice.text}\n\n{notice.link}".strip())
    return message


def send_mail(delivery: Delivery, notice: Notice, settings: MailSettings) -> PostResult:
    """Hand a notice to the mail server; return what came of it. It blocks."""
    if not settings.admits(recipient_of(delivery.url)):
        return PostResult(0, error=NOT_SET_UP)
    began, status, error = time.monotonic(), None, ""
    try:
        _hand_over(message_of(delivery, notice, settings.sender), settings)
        status = TAKEN
    except OSError as fault:  # as every SMTPException is
        status = _code_of(fault)
        error = "" if status else NOT_REACHED
        log.info("mail not handed over", extra={"reason": type(fault).__name__})
    return PostResult(int((time.monotonic() - began) * 1000), status, error)


def _code_of(fault: OSError) -> int | None:
    """Return the code by which the server refused; None where it said nothing of the kind."""
    codes = [getattr(fault, "smtp_code", 0)]
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in fault.recipients.values()]
    return next((code for code in codes if code >= REFUSED_FROM), None)


def _hand_over(message: EmailMessage, settings: MailSettings) -> None:
    parts = urlsplit(settings.server.get_secret_value())
    context = ssl.create_default_context()
    server = _connected(parts, context)
    try:
        server.ehlo_or_helo_if_needed()
        if parts.scheme == "smtp" and (parts.username or server.has_extn("starttls")):
            server.starttls(context=context)  # fails where it is not offered: no password goes out open
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
        with suppress(OSError):  # the mail is taken, whatever comes now
            server.quit()
    finally:
        server.close()


def _connected(parts: SplitResult, context: ssl.SSLContext) -> smtplib.SMTP:
    host, port = parts.hostname or "", parts.port or 0  # 0: the scheme's own
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, context=context, timeout=SILENCE_SECONDS)
    return smtplib.SMTP(host, port, timeout=SILENCE_SECONDS)
