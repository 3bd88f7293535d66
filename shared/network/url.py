"""URLs that others give to this service for requests: what is wrong with one, and the host in it."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import idna

from shared.network.address import Address, refusal

MAX_URL = 2048  # characters
MAX_HOST = 253  # characters of a name
_URI = re.compile(r"[!#-;=?-\[\]_a-z~]+")  # RFC 3986, section 2
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # what makes resolvers read a host as an IPv4 address
_LOCAL = "localhost"


def fault_of_url(url: str) -> str:
    """Return what is wrong with a URL as such, or ""; hosts are judged by `fault_of_host`."""
    if not _URI.fullmatch(url):
        return "holds what no URL may; write other characters percent-encoded, other hosts as xn--"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"is no URL: {error}"
    if parts.scheme not in ("http", "https"):
        return "must start with http:// or https://"
    if not parts.hostname or port == 0:
        return "names no host and port"
    if parts.username is not None or parts.password is not None:
        return "must not hold credentials"
    return "must not have a fragment" if parts.fragment else ""


def fault_of_host(url: str) -> str:
    """Return why the host of a URL without other faults can never be reached, or ""."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host or "[" in parts.netloc:
        return "" if literal(host) else f"{host} is no IPv6 address"
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return "" if literal(host) else f"{host} is no IPv4 address; write four decimal numbers"
    if len(host) > MAX_HOST or not all(map(_is_label, labels)):
        return f"{host} is no name of a host"
    return ""


def refusal_of_url(url: str, *, private: bool, setting: str = "") -> str:
    """Return why a URL must not be asked, or ""; names are looked up when it is asked, not here.

    `private` allows what is not the public internet; `setting` is the operator's variable that does so.
    """
    reason = _refusal(url, private=private)
    if reason and setting and not _refusal(url, private=True):
        return f"{reason}; the operator may allow it with {setting}=true"
    return reason


def _refusal(url: str, *, private: bool) -> str:
    fault = fault_of_host(url)
    if fault:
        return fault
    host = (urlsplit(url).hostname or "").removesuffix(".")
    if host == _LOCAL or host.endswith(f".{_LOCAL}"):
        host = "127.0.0.1"
    address = literal(host)
    return "" if address is None else refusal(address, private=private)


def literal(host: str) -> Address | None:
    """Return the address that a host is by itself; None for a name, and for any unusual spelling."""
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL."""
    return parts.port or (443 if parts.scheme == "https" else 80)


def _is_label(label: str) -> bool:
    """Whether a part of a host's name may be there; one in Punycode must be the name of something."""
    if not _LABEL.fullmatch(label):
        return False
    if not label.startswith("xn--"):
        return True
    try:
        return bool(idna.decode(label))
    except UnicodeError:
        return False
