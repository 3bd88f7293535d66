"""The audit lines of requests: the event, and who asked, from where."""

from flask import g

from api import errors as edge
from api.client_address import client_address
from shared import audit as shared_audit
from shared.audit import Event
from shared.errors import AtelierError, QuotaExceeded

_REFUSALS: dict[type[AtelierError], Event] = {
    edge.KeyMissing: Event.KEY_MISSING,
    edge.KeyRefused: Event.KEY_REFUSED,
    edge.UserRefused: Event.USER_REFUSED,
    edge.ScopeMissing: Event.SCOPE_REFUSED,
    edge.RateLimited: Event.RATE_REFUSED,
    QuotaExceeded: Event.QUOTA_REFUSED,
    edge.UnknownHost: Event.HOST_REFUSED,
    edge.ForeignOrigin: Event.ORIGIN_REFUSED,
}


def audit(event: Event, **fields: object) -> None:
    """Write an event of the request that is handled."""
    who = {name: g.get(f"audit_{name}") for name in ("owner", "key")}
    where = {"address": client_address() or "local", "request_id": g.get("request_id")}
    shared_audit.audit(event, **who, **where, **fields)


def identify(owner: str, key_id: str = "") -> None:
    """Have the request's events name an owner and a key, known or claimed."""
    g.audit_owner, g.audit_key = owner, key_id


def audit_refusal(error: AtelierError) -> None:
    """Write the event of a refused request, where it is one."""
    event = _REFUSALS.get(type(error))
    if event is not None:
        audit(event, reason=error.detail)
