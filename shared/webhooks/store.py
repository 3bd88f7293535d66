"""Webhook deliveries, claimed under a lease and retried until they arrive; and the signing secrets."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import DeliveryNotFound
from shared.identifiers import ANONYMOUS
from shared.jobs.store import JobStore
from shared.redis.client import Client, Page, newest, record_of, store_errors
from shared.redis.scripts import Argument, Scripts
from shared.signing_secret import new_secret
from shared.webhooks.delivery import Delivery, DeliveryStatus, delivery_from_record

MAX_TRIES_KEPT = 20
RING_MILLISECONDS = 500  # at most two notifications a second, for any number of reapers
SCAN_CHUNK = 200
MAX_SCANNED = 5000  # records that one page may read while it filters
OVERLAP_SECONDS = 24 * 3600  # how long the old secret signs together with the new one


class Deliveries:
    """All deliveries of an installation."""

    def __init__(self, store: JobStore) -> None:
        self._client: Client = store.client
        self._scripts: Scripts = store.scripts

    def should_notify(self) -> bool:
        """Whether a delivery is due without a recent notification; only one caller gets True."""
        return bool(self._scripts.run("webhooks/should_notify", RING_MILLISECONDS))

    def claim(
        self,
        room: int,
        *,
        lease_seconds: float,
        a_host: int,
        hosts: Mapping[str, int] | None = None,
        an_owner: int | None = None,
        owners: Mapping[str, int] | None = None,
    ) -> list[Delivery]:
        """Claim up to `room` due deliveries.

        No host gets more than `a_host` and no owner more than `an_owner` in flight; `hosts` and `owners` say
        how many of these each has already.
        """
        lease = int(lease_seconds * 1000)
        busy = [part for each in (hosts or {}, owners or {}) for pair in each.items() for part in pair]
        most = (room, a_host, an_owner or room)
        records = self._scripts.run("webhooks/claim", lease, *most, len(hosts or ()), *busy)
        return [delivery_from_record(record_of(flat)) for flat in records]

    def note(
        self,
        delivery: Delivery,
        status: DeliveryStatus,
        entry: Mapping[str, Any],
        *,
        pause_seconds: float = 0,
    ) -> bool:
        """Record the result of a claimed try; False if a newer claim exists or the record is gone."""
        pause = int(pause_seconds * 1000)
        text = json.dumps(entry, separators=(",", ":"))
        arguments = (delivery.id, delivery.attempt, status, text, pause, MAX_TRIES_KEPT)
        return bool(self._scripts.run("webhooks/note_try", *arguments) == "ok")

    def redeliver(self, delivery_id: str, owner: str) -> None:
        """Make a delivery due now, with the full number of tries again. Raises DeliveryNotFound."""
        if self._scripts.run("webhooks/redeliver", delivery_id, owner) != "ok":
            raise _missing(delivery_id)

    def forget(self, kind: str, subject: str) -> None:
        """Delete all deliveries about a subject that was deleted."""
        self._scripts.run("webhooks/forget", kind, subject)

    def get(self, delivery_id: str, owner: str) -> Delivery:
        """Return the owner's delivery; raise DeliveryNotFound."""
        with store_errors():
            raw = self._client.hgetall(self._scripts.keys("delivery", delivery_id))
        if not raw or raw["owner"] != owner:
            raise _missing(delivery_id)
        return delivery_from_record(raw)

    def of(self, kind: str, subject: str, owner: str) -> list[Delivery]:
        """Return all deliveries about one subject, newest first."""
        with store_errors():
            ids = self._client.lrange(self._scripts.keys("subject_deliveries", kind, subject), 0, -1)
        return [delivery for delivery in self._read(ids[::-1]) if delivery.owner == owner]

    def page(
        self, owner: str, *, limit: int = 20, cursor: str | None = None, status: DeliveryStatus | None = None
    ) -> Page[Delivery]:
        """Return the owner's deliveries, newest first."""
        found: list[Delivery] = []
        key = self._scripts.keys("owned_deliveries", owner)
        for _ in range(MAX_SCANNED // SCAN_CHUNK):
            names = newest(self._client, key, limit=SCAN_CHUNK, cursor=cursor)
            for delivery in self._read(names.items):
                if len(found) == limit:
                    return Page(tuple(found), str(found[-1].sequence))
                if status in (None, delivery.status):
                    found.append(delivery)
            if names.next_cursor is None:
                return Page(tuple(found), None)
            cursor = names.next_cursor
        return Page(tuple(found), cursor)  # a narrow filter may find fewer than requested

    def _read(self, ids: Sequence[str]) -> list[Delivery]:
        with store_errors():
            pipeline = self._client.pipeline(transaction=False)
            for name in ids:
                pipeline.hgetall(self._scripts.keys("delivery", name))
            return [delivery_from_record(raw) for raw in pipeline.execute() if raw]


def _missing(delivery_id: str) -> DeliveryNotFound:
    return DeliveryNotFound(f"there is no delivery {delivery_id[:80]}")


class WebhookSecrets:
    """The currently valid secrets of each owner. A configured one is all owners'."""

    def __init__(self, scripts: Scripts, configured: tuple[str, ...] = ()) -> None:
        self._scripts = scripts
        self._configured = configured

    @property
    def are_configured(self) -> bool:
        """Whether the operator has configured the secrets, so that they cannot be renewed here."""
        return bool(self._configured)

    def current(self, owner: str = ANONYMOUS) -> tuple[str, ...]:
        """Return an owner's signing secrets, newest first; create one if there is none.

        Those that are there are read, which waits for no replica: each delivery needs them.
        """
        return self._configured or self._run("webhooks/read_secrets", owner) or self._made(owner, "")

    def renew(self, owner: str = ANONYMOUS) -> tuple[str, ...]:
        """Create a new secret; the old one also signs for one more day. Return both, the new one first."""
        return self._made(owner, OVERLAP_SECONDS * 1000)

    def _made(self, owner: str, overlap_ms: int | str) -> tuple[str, ...]:
        return self._run("webhooks/secrets", owner, new_secret(), overlap_ms)

    def _run(self, script: str, owner: str, *arguments: Argument) -> tuple[str, ...]:
        return tuple(self._scripts.run(script, *arguments, "" if owner == ANONYMOUS else owner))
