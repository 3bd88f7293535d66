"""The names by which clients may call the service, and the proxies that may speak for clients.

Against DNS rebinding: a page whose name comes to mean this machine reads the service as its own origin.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from api.errors import BadRequest, UnknownHost
from shared.network_settings import ApiSettings
from shared.setting_groups import listed

SETTING = "ATELIER_API_KNOWN_HOSTS"
_HOST = re.compile(r"([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)

_ANY_HOST = re.compile(r"([^\s,]+?)(?::\d{1,5})?", re.ASCII)


class HostCheck:
    """Refuses requests under a foreign name. Any address is known: only names can be made to mean another."""

    def __init__(self, api: ApiSettings) -> None:
        self._names = known_names(api)
        self._behind_proxies = api.trusted_proxies > 0

    def __call__(self) -> None:
        """Raise BadRequest where it has no one name; UnknownHost where a browser could make one up."""
        is_open = self._behind_proxies or not _came_over_unix_socket()
        for name in (_name_in(host, _HOST if is_open else _ANY_HOST) for host in _hosts()):
            if is_open and name:
                self._check(name)

    def _check(self, name: str) -> None:
        """Raise UnknownHost, unless this is an address or a known name."""
        if not _is_address(name.strip("[]")) and not self._is_known(name):
            raise UnknownHost(f"{name} is none of the names of this service; {SETTING} adds names")

    def _is_known(self, name: str) -> bool:
        above = (name[at:] for at, character in enumerate(name) if character == ".")
        return name in self._names or any(suffix in self._names for suffix in above)


def known_names(api: ApiSettings) -> frozenset[str]:
    """Return the names that are known; one that begins with a dot stands for all names below it."""
    names = {"localhost", urlsplit(api.public_url).hostname or "", api.host.lower(), *listed(api.known_hosts)}
    return frozenset(names - {""})


def trust_proxies(app: Flask, count: int) -> None:
    """Believe what so many proxies say of the client; what it wrote itself stands before theirs."""
    if count:
        fixed = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_prefix=count)
        app.wsgi_app = fixed  # type: ignore[method-assign]


def _name_in(host: str | None, pattern: re.Pattern[str]) -> str:
    """Return the name in a Host, in lower case; "" where there need not be one. Raise BadRequest."""
    if host is None and request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        return ""  # no browser speaks it
    found = pattern.fullmatch(host or "")
    if found is None:
        raise BadRequest("a request must have one Host, a name or an address, with or without a port")
    return found[1].lower().removesuffix(".")


def _hosts() -> Iterator[str | None]:
    """Yield the Host of the request and, where a proxy told another one, the one that it was itself sent."""
    yield request.environ.get("HTTP_HOST")
    received = request.environ.get("werkzeug.proxy_fix.orig")
    if received:
        yield received["HTTP_HOST"]


def _came_over_unix_socket() -> bool:
    """Whether only programs of this machine can have sent the request: browsers reach no Unix socket."""
    peer = request.environ.get("REMOTE_ADDR")
    return peer is not None and not _is_address(peer)


@lru_cache(maxsize=1024)  # each request asks for the same few
def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
