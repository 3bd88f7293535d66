"""Delivers webhooks: many at once, few a host, so that a slow receiver delays only its own."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from shared.errors import ActionNotFound, AtelierError, JobGone, JobNotFound
from shared.jobs.store import JobStore
from shared.logs import log_context, plain
from shared.mail_settings import MailSettings
from shared.replicate.prediction import Prediction
from shared.settings import Settings
from shared.specs.webhook import MAIL
from shared.tracing.spans import NO_TRACING, Tracing, current_span
from shared.webhooks.delivery import Delivery, DeliveryStatus, Event
from shared.webhooks.store import Deliveries, WebhookSecrets
from worker.webhooks.delivery_span import about, begin_delivery, note_try
from worker.webhooks.events import Render, renderers
from worker.webhooks.mail import send_mail
from worker.webhooks.notices import notice_of, notice_request
from worker.webhooks.sender import DeliveryRules, PostResult, Sender, judge, signed_headers
from worker.webhooks.shares import InFlight, Shares

log = logging.getLogger("atelier.webhooks")

_NO_WARNING = (DeliveryStatus.DELIVERED, DeliveryStatus.PENDING)
LOOK_SECONDS = 0.25  # between two looks at what is due, while deliveries are in flight
HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class Dispatcher:
    """Makes the tries that are due. The receivers' waiting costs no threads: all share one event loop."""

    def __init__(
        self,
        deliveries: Deliveries,
        secrets: WebhookSecrets,
        render: Mapping[str, Render],
        *,
        allow_private: bool | None = None,  # None: as the API saw it when it accepted the webhook
        rules: DeliveryRules | None = None,
        shares: Shares | None = None,
        mail: MailSettings | None = None,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._deliveries = deliveries
        self._secrets = secrets
        self._render = render
        self._allow_private = allow_private
        self._rules = rules or DeliveryRules()
        self._shares = shares or Shares()
        self._in_flight = InFlight(self._shares)
        self._mail = mail or MailSettings()
        self._tracing = tracing
        # Threads of their own: a mail server that hangs delays no webhook.
        self._mailers = ThreadPoolExecutor(self._shares.a_host, thread_name_prefix="mail")
        self._busy = threading.Lock()
        self._stopping = False
        self._sender: Sender | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="webhooks", daemon=True).start()

    def run(self) -> None:
        """Deliver what is due, and what falls due meanwhile. Where another thread does so, return at once."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            asyncio.run_coroutine_threadsafe(self._session(), self._loop).result()
        finally:
            self._busy.release()

    def stop(self) -> None:
        """Begin no more tries. Those in flight end, within their time-out."""
        self._stopping = True

    async def _session(self) -> None:
        if self._sender is None:
            self._sender = Sender(timeout_seconds=self._rules.timeout_seconds)
        while True:
            for delivery, secrets in await asyncio.to_thread(self._claim):
                task = asyncio.create_task(self._deliver(delivery, secrets, self._sender))
                self._in_flight.add(task, delivery)
            tries = self._in_flight.tries
            if not tries:
                return
            done, _ = await asyncio.wait(tries, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self._in_flight.remove(task)

    def _claim(self) -> list[tuple[Delivery, tuple[str, ...]]]:
        room = self._in_flight.room
        if self._stopping or room <= 0:
            return []
        try:
            claimed = self._deliveries.claim(
                room,
                lease_seconds=self._rules.lease_seconds,
                a_host=self._shares.a_host,
                hosts=self._in_flight.hosts,
                an_owner=self._shares.an_owner,
                owners=self._in_flight.owners,
            )
            owners = {delivery.owner for delivery in claimed}
            secrets = {owner: self._secrets.current(owner) for owner in owners}
        except AtelierError as error:  # what was claimed is due again when its lease ends
            log.warning("no deliveries claimed", extra={"code": error.code, "detail": error.whole})
            return []
        return [(delivery, secrets[delivery.owner]) for delivery in claimed]

    async def _deliver(self, delivery: Delivery, secrets: tuple[str, ...], sender: Sender) -> None:
        with begin_delivery(self._tracing, delivery).running() as span, log_context(**about(delivery, span)):
            await self._try(delivery, secrets, sender)

    async def _try(self, delivery: Delivery, secrets: tuple[str, ...], sender: Sender) -> None:
        try:
            result = await self._sent(delivery, secrets, sender)
            took_long = result.milliseconds > self._shares.slow_seconds * 1000
            self._in_flight.note(delivery.host, is_silent=result.status is None and took_long)
            await asyncio.to_thread(self._note, delivery, result)
        except (JobGone, JobNotFound, ActionNotFound):
            await asyncio.to_thread(self._forget, delivery)
        except AtelierError as error:  # due again when its lease ends
            log.warning("delivery not noted", extra={"delivery": delivery.id, "detail": error.whole})
        except Exception:
            log.exception("delivery met a fault of the program", extra={"delivery": delivery.id})
            await asyncio.to_thread(self._note_fault, delivery)

    async def _sent(self, delivery: Delivery, secrets: tuple[str, ...], sender: Sender) -> PostResult:
        if delivery.template == MAIL:
            return await asyncio.get_running_loop().run_in_executor(self._mailers, self._mailed, delivery)
        request = await asyncio.to_thread(self._request, delivery, secrets)
        private = delivery.private if self._allow_private is None else self._allow_private
        context = current_span().context
        headers = {**request.headers, **(context.headers if context else {})}
        return await sender.post(request.url, request.body, headers, private=private)

    def _mailed(self, delivery: Delivery) -> PostResult:
        return send_mail(delivery, notice_of(self._event(delivery)), self._mail)

    def _event(self, delivery: Delivery) -> Event:
        told = self._render[delivery.kind](delivery)
        assert not isinstance(told, Prediction), "no request has a template and another body"
        return told

    def _request(self, delivery: Delivery, secrets: tuple[str, ...]) -> Request:
        if delivery.template is not None:  # services for people check no signature
            url, body = notice_request(delivery.template, delivery.url, self._event(delivery))
            return Request(url, body, HEADERS)
        body = self._render[delivery.kind](delivery).model_dump_json().encode()
        # The server's clock: that of this machine may be wrong, and receivers refuse what seems old.
        seconds = (delivery.claimed_at or delivery.created_at) // 1000
        headers = {**HEADERS, **signed_headers(delivery.id, seconds, body, secrets)}
        return Request(delivery.url, body, headers)

    def _forget(self, delivery: Delivery) -> None:
        try:
            self._deliveries.forget(delivery.kind, delivery.subject)
            log.info("delivery dropped: its subject is forgotten", extra={"delivery": delivery.id})
        except AtelierError as error:
            log.warning("delivery not dropped", extra={"delivery": delivery.id, "detail": error.whole})

    def _note_fault(self, delivery: Delivery) -> None:
        try:
            self._note(delivery, PostResult(0, error="the service made a mistake; its log has the details"))
        except AtelierError as error:
            log.warning("delivery not noted", extra={"delivery": delivery.id, "detail": error.whole})

    def _note(self, delivery: Delivery, result: PostResult) -> None:
        verdict = judge(result, delivery.tries, self._rules)
        error = plain(verdict.error)  # of a stranger's making; the record is shown in terminals and pages
        entry = {"milliseconds": result.milliseconds, "status": result.status, "error": error or None}
        known: dict[str, Any] = {name: value for name, value in entry.items() if value is not None}
        self._deliveries.note(delivery, verdict.status, known, pause_seconds=verdict.pause_seconds)
        note_try(delivery, result, verdict)
        level = logging.INFO if verdict.status in _NO_WARNING else logging.WARNING
        log.log(
            level,
            "webhook tried",
            extra={
                "delivery": delivery.id,
                "event": delivery.event,
                "subject": delivery.subject,
                "status": str(verdict.status),
                "error": error,
            },
        )


def dispatcher_of(
    store: JobStore,
    settings: Settings,
    rules: DeliveryRules | None = None,
    *,
    tracing: Tracing = NO_TRACING,
) -> Dispatcher:
    """Return the dispatcher of an installation."""
    return Dispatcher(
        Deliveries(store),
        WebhookSecrets(store.scripts, settings.webhook.secrets),
        renderers(store, settings),
        allow_private=settings.webhook.private,
        rules=rules,
        mail=settings.mail,
        tracing=tracing,
    )
