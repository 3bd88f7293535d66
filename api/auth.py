"""Who makes a request, and whether it may: the rule of each route, the key in the header, the owner.

A route says its rule beside it: `@needs(Scope.READ)`, or `@open_to_all("why")`. A route without a rule is an
admin's alone, and fails a test.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from flask import Response, current_app, g, request

from api.errors import KeyMissing, KeyRefused, ScopeMissing
from api.services import Services
from shared.access.exposure import key_table
from shared.access.key import ApiKey, KeyText, Scope
from shared.access.store import KeyStore
from shared.access.table import KeyTable
from shared.identifiers import ANONYMOUS
from shared.jobs.queries import Alarm

KEYS = "atelier.keys"  # name of the application's KeyTable among its extensions
HOW = "send an API key in the header `Authorization: Bearer atl_...`"
ENDED = (KeyMissing, KeyRefused)  # what ends a response that goes on
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)

Route = TypeVar("Route", bound=Callable[..., Any])
Piece = TypeVar("Piece")


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
    key: ApiKey | None = None  # None: keys are not needed

    def allows(self, scope: Scope) -> bool:
        """Whether the request may do what needs a scope."""
        return self.key is None or self.key.allows(scope)


def is_anonymous() -> bool:
    """Whether the request needed no key."""
    identity: Identity = g.identity
    return identity.key is None


def key_table_of(services: Services) -> KeyTable:
    """Return the table of keys for an application."""
    return key_table(services.settings, KeyStore(services.store.scripts))


def _keys() -> KeyTable:
    return cast(KeyTable, current_app.extensions[KEYS])


def authenticate() -> None:
    """Let a request pass whose key its route takes.

    Raises KeyMissing, KeyRefused, ScopeMissing, StoreUnavailable.
    """
    if request.url_rule is None:
        return  # nothing is there, which is said to anybody
    rule = rule_of(current_app.view_functions[request.url_rule.endpoint]) or UNRULED
    if rule.scope is None:
        return
    keys = _keys()
    keys.refresh()
    identity = _identity(keys, rule) if keys.are_needed else Identity(ANONYMOUS)
    if not identity.allows(rule.scope):
        raise ScopeMissing(f"this needs a key with the scope {rule.scope}", scope=rule.scope)
    g.owner, g.identity = identity.owner, identity
    g.key_id = identity.key.id if identity.key is not None else ""
    if identity.key is not None and identity.allows(Scope.READ):
        g.signing = {"sign": partial(keys.signed_query, identity.key)}


def require(scope: Scope) -> None:
    """Raise ScopeMissing if the key of the request, which its route takes, lacks a further scope."""
    identity: Identity = g.identity
    if not identity.allows(scope):
        raise ScopeMissing(f"this needs a key with the scope {scope}", scope=scope)


def _identity(keys: KeyTable, rule: Rule) -> Identity:
    if rule.signed and "signature" in request.args and "Authorization" not in request.headers:
        return _signed_identity(keys)
    key = keys.find(_sent_key())
    fault = "no such API key is known" if key is None else keys.fault(key.id)
    if key is None or fault:
        raise KeyRefused(fault)
    keys.note_use(key)
    return Identity(key.owner, key)


def _signed_identity(keys: KeyTable) -> Identity:
    """Return the identity of the key that signed the request's address."""
    names = ("key", "expires", "signature")
    key = keys.signer_of(request.path, *(request.args.get(name, "") for name in names))
    if key is None:
        raise KeyRefused("the signature of the address is wrong or over, or its key is not valid any more")
    return Identity(key.owner, key)


def _sent_key() -> KeyText:
    header = request.headers.get("Authorization", "").strip()
    if not header.lower().startswith("bearer"):
        raise KeyMissing(f"this service needs a key: {HOW}")
    found = _BEARER.fullmatch(header)
    try:
        return KeyText.read(found[1] if found else "")
    except ValueError as error:
        raise KeyRefused(str(error)) from error


class Watch:
    """Watches the key of a response that goes on for long: it ends with its key. Made within the request."""

    def __init__(self) -> None:
        self._keys = _keys()
        identity: Identity | None = g.get("identity")
        self._key = identity.key if identity else None
        self._is_watched = identity is not None

    @property
    def alarm(self) -> Alarm:
        """What ends a wait for events when any key changes."""
        version = self._keys.version
        return Alarm(self._keys.changes_key, version, lambda: self._keys.outdate(version))

    def check(self) -> None:
        """Raise KeyRefused or KeyMissing if the request would not be let in now.

        While the job store does not answer, what was known last holds: it cannot revoke a key either.
        """
        if not self._is_watched:
            return
        self._keys.look()
        if self._key is None and self._keys.are_needed:
            raise KeyMissing(f"this service needs a key now: {HOW}")
        fault = self._keys.fault(self._key.id) if self._key else ""
        if fault:
            raise KeyRefused(fault)

    def seconds_left(self) -> float:
        """Return the seconds until the key expires."""
        return self._keys.seconds_left(self._key.id) if self._key else float("inf")


def watch_streams(response: Response) -> Response:
    """Have a response that is sent in pieces break off with its key."""
    if response.is_streamed:
        response.response = cast(Iterable[bytes], _watched(response.response, Watch()))
    return response


def _watched(pieces: Iterable[Piece], watch: Watch) -> Iterator[Piece]:
    for piece in pieces:
        watch.check()
        yield piece
