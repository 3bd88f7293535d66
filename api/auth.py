"""Who makes a request, and whether it may: the rule of each route, the key in the header, the owner.

A route says its rule beside it: `@needs(Scope.READ)`, or `@open_to_all("why")`. A route without a rule is an
admin's alone, and fails a test.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from flask import current_app, g, request

from api.audit import identify
from api.errors import AccessRefused, KeyMissing, KeyRefused, ScopeMissing
from api.server.origins import SAFE
from api.server.proxy_user import ProxyUser
from api.server.rates import Reading, RequestRates, check_rate
from api.services import EarlyRecord, Services, services
from shared.access.exposure import key_table
from shared.access.key import DEFAULT_SCOPES, ApiKey, KeyText, Scope
from shared.access.store import KeyStore
from shared.access.table import KeyTable
from shared.identifiers import ANONYMOUS
from shared.redis.recent import ageing

KEYS = "atelier.keys"  # name of the application's KeyTable among its extensions
RATES = "atelier.rates"  # name of its RequestRates
USERS = "atelier.users"  # name of its ProxyUser
HOW = "send an API key in the header `Authorization: Bearer atl_...`"
# `Token` is what older clients of Replicate send.
_BEARER = re.compile(r"(?:bearer|token) +(\S+)", re.IGNORECASE | re.ASCII)

Route = TypeVar("Route", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a route."""

    scope: Scope | None  # None: anybody, without a key too
    why_open: str = ""
    signed: bool = False  # whether a signature in the address does, too


UNRULED = Rule(Scope.ADMIN)


def needs(scope: Scope, *, signed: bool = False) -> Callable[[Route], Route]:
    """Have a route answer only to keys with a scope; if `signed`, to signed addresses too."""
    return _ruled(Rule(scope, signed=signed))


def open_to_all(why: str) -> Callable[[Route], Route]:
    """Have a route answer to anybody."""
    return _ruled(Rule(None, why))


def _ruled(rule: Rule) -> Callable[[Route], Route]:
    def note(route: Route) -> Route:
        route.rule = rule  # type: ignore[attr-defined]
        return route

    return note


def rule_of(route: Callable[..., Any]) -> Rule | None:
    """Return the rule that a route has noted; None if it has none."""
    return getattr(route, "rule", None)


@dataclass(frozen=True, slots=True)
class Identity:
    """In whose name a request is made."""

    owner: str
    key: ApiKey | None = None  # None: keys are not needed, or a proxy has named the user
    by_address: bool = False  # whether a signed address stood in for the key
    counted_as: str = ""  # in whose name requests are counted; empty: by address
    is_user: bool = False  # of a proxy

    def allows(self, scope: Scope) -> bool:
        """Whether the request may do what needs a scope."""
        if self.is_user:
            return scope in DEFAULT_SCOPES
        return self.key is None or self.key.allows(scope)


def is_anonymous() -> bool:
    """Whether the request needed no key."""
    identity = own_identity()
    return identity.key is None and not identity.is_user


def own_identity() -> Identity:
    """Return in whose name the request is made."""
    return cast(Identity, g.identity)


def is_by_address() -> bool:
    """Whether a signature in the request's address stands in for a key."""
    return own_identity().by_address


def key_table_of(services: Services) -> KeyTable:
    """Return the table of keys for an application."""
    return key_table(services.settings, KeyStore(services.store.scripts))


def keys_of_app() -> KeyTable:
    """Return the keys as the application that serves this request knows them."""
    return cast(KeyTable, current_app.extensions[KEYS])


def authenticate() -> None:
    """Let a request pass whose key its route takes.

    Raises KeyMissing, KeyRefused, ScopeMissing, RateLimited, StoreUnavailable.
    """
    if request.url_rule is None:
        return  # nothing is there, which is said to anybody
    rule = rule_of(current_app.view_functions[request.url_rule.endpoint]) or UNRULED
    if rule.scope is None:
        return
    keys = keys_of_app()
    identity, reading = _counted(keys, rule)
    if identity.key is not None and not identity.by_address:
        keys.note_use(identity.key)
    check_rate(reading)
    identify(identity.owner, identity.key.id if identity.key else "")
    if not identity.allows(rule.scope):
        raise ScopeMissing(f"this needs a key with the scope {rule.scope}", scope=rule.scope)
    g.owner, g.identity = identity.owner, identity
    g.key_id = identity.key.id if identity.key is not None else ""
    g.caller_name = identity.key.name if identity.key is not None else identity.owner
    g.may_know_of_others = identity.allows(Scope.ADMIN)
    g.may_be_signed = rule.signed
    # Not for a signed address: it would have others signed again for as long as somebody asks.
    if identity.key is not None and identity.allows(Scope.READ) and not identity.by_address:
        g.signing = {"sign": partial(keys.signed_query, identity.key)}


def _counted(keys: KeyTable, rule: Rule) -> tuple[Identity, Reading | None]:
    """Return in whose name the request is made, counted by its key, else by its address.

    What counts also tells whether the keys are known as they are, so that few requests have to ask for that.
    """
    known, reading = _known_identity(keys, rule), None
    if known is not None:
        reading = _count(keys, known)
        # Looked up again, as another thread may have read newer keys meanwhile.
        if reading is not None and keys.confirm(reading.keys) and _known_identity(keys, rule) == known:
            return known, reading
    identity = _newest_identity(keys, rule)
    if reading is None or known is None or identity.counted_as != known.counted_as:
        reading = _count(keys, identity)
    return identity, reading


def _known_identity(keys: KeyTable, rule: Rule) -> Identity | None:
    """Return in whose name the request is made, as far as is known; None if that needs a newer reading."""
    with suppress(AccessRefused):
        return _identity(keys, rule) if keys.are_needed else None
    return None


def _count(keys: KeyTable, identity: Identity) -> Reading | None:
    """Count the request, and read what it is about to need."""
    limit = "reads" if request.method in SAFE else "changes"
    beside = _job_to_read() if limit == "reads" else ageing(services().known)
    return _rates().count(limit, identity.counted_as, keys_needed=keys.are_needed, beside=beside)


def _job_to_read() -> list[EarlyRecord]:
    """Return the record of the job that the request's path names; it is shown to its owner alone."""
    job_id = (request.view_args or {}).get("job_id")
    if job_id is None:
        return []
    g.early_record = EarlyRecord(services().store.reading(job_id))
    return [g.early_record]


def _newest_identity(keys: KeyTable, rule: Rule) -> Identity:
    keys.refresh()
    try:
        with suppress(KeyRefused):  # another process may just have made the key
            return _identity(keys, rule)
        keys.read_again()
        return _identity(keys, rule)
    except AccessRefused:
        check_rate(_rates().count("failures", "", keys_needed=True))
        raise


def _rates() -> RequestRates:
    return cast(RequestRates, current_app.extensions[RATES])


def require(scope: Scope) -> None:
    """Raise ScopeMissing if the key of the request, which its route takes, lacks a further scope."""
    if not own_identity().allows(scope):
        raise ScopeMissing(f"this needs a key with the scope {scope}", scope=scope)


def _identity(keys: KeyTable, rule: Rule) -> Identity:
    """Return in whose name the request is made, by what is known; raise AccessRefused."""
    if not keys.are_needed:
        return Identity(ANONYMOUS)
    if rule.signed and "signature" in request.args and "Authorization" not in request.headers:
        return _signed_identity(keys)
    if not _sends_key() and (user := cast(ProxyUser, current_app.extensions[USERS]).name()):
        return Identity(user, counted_as=f"user/{user}", is_user=True)
    sent = _sent_key()
    key = keys.find(sent)
    identify(key.owner if key else "", sent.id)
    fault = "no such API key is known" if key is None else keys.fault(key.id)
    if key is None or fault:
        raise KeyRefused(fault)
    return Identity(key.owner, key, counted_as=key.id)


def _signed_identity(keys: KeyTable) -> Identity:
    """Return the identity of the key that signed the request's address."""
    names = ("key", "expires", "signature")
    key = keys.signer_of(request.path, *(request.args.get(name, "") for name in names))
    identify(key.owner if key else "", key.id if key else "")
    if key is None:
        raise KeyRefused("the signature of the address is wrong or over, or its key is not valid any more")
    # Counted by address: others have the page's addresses, and not the key.
    return Identity(key.owner, key, by_address=True)


def _sends_key() -> bool:
    return request.headers.get("Authorization", "").strip().lower().startswith(("bearer", "token"))


def _sent_key() -> KeyText:
    if not _sends_key():
        raise KeyMissing(f"this service needs a key: {HOW}")
    found = _BEARER.fullmatch(request.headers["Authorization"].strip())
    try:
        return KeyText.read(found[1] if found else "")
    except ValueError as error:
        raise KeyRefused(str(error)) from error
