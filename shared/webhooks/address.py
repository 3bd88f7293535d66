"""Decides which network addresses a webhook may reach: never those reserved for the service itself."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

# Clouds give credentials to every internal caller at these addresses: never allowed.
_METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
)
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
SETTING = "ATELIER_WEBHOOK_ALLOW_PRIVATE"


def refusal(address: Address, *, private: bool) -> str:
    """Return why an address must not be a receiver, or ""; `private` allows private networks."""
    meant = _meant(address)
    if any(_is_never_a_receiver(each) for each in meant):
        return f"{address} is never a receiver's address"
    if not private and not all(each.is_global for each in meant):
        return f"{address} is an address of a private network, and {SETTING} does not allow those"
    return ""


def refusal_of_url(url: str, *, private: bool) -> str:
    """Return why a URL's host must not be a receiver, or ""; host names are resolved later, not here."""
    host = (urlsplit(url).hostname or "").removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        host = "127.0.0.1"
    try:
        return refusal(ip_address(host), private=private)
    except ValueError:
        return ""


def _is_never_a_receiver(address: Address) -> bool:
    if address.is_loopback:
        return False
    kinds = (address.is_link_local, address.is_multicast, address.is_unspecified)
    return address in _METADATA or any(kinds) or str(address) == "255.255.255.255"


def _meant(address: Address) -> list[Address]:
    """Return the IPv4 addresses that an IPv6 address contains; otherwise the address itself."""
    if isinstance(address, IPv4Address) or address.is_loopback or address.is_unspecified:
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _TRANSLATED):
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in inner if each is not None] or [address]
