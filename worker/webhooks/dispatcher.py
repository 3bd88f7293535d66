"""Delivers webhooks: many at once, few a host, so that a slow receiver holds up its own deliveries alone."""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from shared.errors import AtelierError, JobGone, JobNotFound
from shared.jobs.store import JobStore
from shared.settings import Settings
from shared.webhooks.delivery import Delivery, DeliveryStatus
from shared.webhooks.secrets import WebhookSecrets
from shared.webhooks.store import Deliveries
from worker.webhooks.delivery import HEADERS, DeliveryRules, Tell, judge, tellers
from worker.webhooks.sender import Answer, Sender, signed_headers

log = logging.getLogger("atelier.webhooks")

_HOPEFUL = (DeliveryStatus.DELIVERED, DeliveryStatus.PENDING)
LOOK_SECONDS = 0.25  # between two looks at what is due, while deliveries are under way


class Dispatcher:
    """Makes the tries that are due. The receivers' waiting costs no threads: all share one event loop."""

    def __init__(
        self,
        deliveries: Deliveries,
        secrets: WebhookSecrets,
        tell: Mapping[str, Tell],
        *,
        allow_private: bool | None = None,  # None: as the API saw it when it accepted the webhook
        rules: DeliveryRules | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._secrets = secrets
        self._tell = tell
        self._allow_private = allow_private
        self._rules = rules or DeliveryRules()
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
        """Begin no more tries. Those under way end, within their time-out."""
        self._stopping = True

    async def _session(self) -> None:
        if self._sender is None:
            self._sender = Sender(timeout_seconds=self._rules.timeout_seconds)
        under_way: dict[asyncio.Task[None], str] = {}
        while True:
            for delivery, secrets in await asyncio.to_thread(self._claim, Counter(under_way.values())):
                task = asyncio.create_task(self._deliver(delivery, secrets, self._sender))
                under_way[task] = delivery.host
            if not under_way:
                return
            done, _ = await asyncio.wait(under_way, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                del under_way[task]

    def _claim(self, under_way: Counter[str]) -> list[tuple[Delivery, tuple[str, ...]]]:
        room = self._rules.at_once - under_way.total()
        if self._stopping or room <= 0:
            return []
        try:
            claimed = self._deliveries.claim(
                room,
                lease_seconds=self._rules.lease_seconds,
                a_host=self._rules.at_once_a_host,
                under_way=under_way,
            )
            secrets = self._secrets.current() if claimed else ()
        except AtelierError as error:  # what was claimed is due again when its lease ends
            log.warning("no deliveries claimed", extra={"code": error.code, "detail": error.detail})
            return []
        return [(delivery, secrets) for delivery in claimed]

    async def _deliver(self, delivery: Delivery, secrets: tuple[str, ...], sender: Sender) -> None:
        try:
            body = await asyncio.to_thread(self._body, delivery)
            answer = await self._post(delivery, body, secrets, sender)
            await asyncio.to_thread(self._note, delivery, answer)
        except (JobGone, JobNotFound):
            await asyncio.to_thread(self._forget, delivery)
        except AtelierError as error:  # due again when its lease ends
            log.warning("delivery not noted", extra={"delivery": delivery.id, "detail": error.detail})
        except Exception:
            log.exception("delivery met a fault of the program", extra={"delivery": delivery.id})
            await asyncio.to_thread(self._survive, delivery)

    def _body(self, delivery: Delivery) -> bytes:
        return self._tell[delivery.kind](delivery).model_dump_json().encode()

    async def _post(
        self, delivery: Delivery, body: bytes, secrets: tuple[str, ...], sender: Sender
    ) -> Answer:
        # The server's clock: that of this machine may be wrong, and receivers refuse what seems old.
        seconds = (delivery.claimed_at or delivery.created_at) // 1000
        headers = {**HEADERS, **signed_headers(delivery.id, seconds, body, secrets)}
        private = delivery.private if self._allow_private is None else self._allow_private
        return await sender.post(delivery.url, body, headers, private=private)

    def _forget(self, delivery: Delivery) -> None:
        try:
            self._deliveries.forget(delivery.kind, delivery.subject)
            log.info("delivery dropped: its subject is forgotten", extra={"delivery": delivery.id})
        except AtelierError as error:
            log.warning("delivery not dropped", extra={"delivery": delivery.id, "detail": error.detail})

    def _survive(self, delivery: Delivery) -> None:
        try:
            self._note(delivery, Answer(0, error="the service made a mistake; its log has the details"))
        except AtelierError as error:
            log.warning("delivery not noted", extra={"delivery": delivery.id, "detail": error.detail})

    def _note(self, delivery: Delivery, answer: Answer) -> None:
        verdict = judge(answer, delivery.tries, self._rules)
        entry = {"milliseconds": answer.milliseconds, "status": answer.status, "error": verdict.error or None}
        known: dict[str, Any] = {name: value for name, value in entry.items() if value is not None}
        self._deliveries.note(delivery, verdict.status, known, pause_seconds=verdict.pause_seconds)
        level = logging.INFO if verdict.status in _HOPEFUL else logging.WARNING
        log.log(
            level,
            "webhook tried",
            extra={
                "delivery": delivery.id,
                "event": delivery.event,
                "subject": delivery.subject,
                "status": str(verdict.status),
                "error": verdict.error,
            },
        )


def dispatcher_of(store: JobStore, settings: Settings, rules: DeliveryRules | None = None) -> Dispatcher:
    """Return the dispatcher of an installation."""
    return Dispatcher(
        Deliveries(store),
        WebhookSecrets(store.scripts, settings.webhook.secrets),
        tellers(store, settings),
        allow_private=settings.webhook.private,
        rules=rules,
    )
