"""Decides which network addresses requests for others may reach, by the table of special networks.

An IPv6 address may contain an IPv4 address that the packet ends at: then both must be allowed.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from shared.network.special_networks import GLOBAL_UNICAST, NEVER, NOT_PUBLIC, SpecialNetwork

Address = IPv4Address | IPv6Address

# An address here is another spelling of the IPv4 address in its last 32 bits, and as public as that one.
_SPELLINGS = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
# The last 32 bits are an IPv4 address, but such an address is not public itself.
_ENDING = (IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))
_TEREDO, _SIX_TO_FOUR = IPv6Network("2001::/32"), IPv6Network("2002::/16")
_PLAIN = frozenset({IPv6Address("::"), IPv6Address("::1")})  # in ::/96 and nothing but themselves
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})  # bits 64 to 95, RFC 5214
_WORD = 0xFFFF_FFFF


def refusal(address: Address, *, private: bool) -> str:
    """Return why an address must not be reached, or ""; `private` allows what is not the public internet."""
    judged = _judged(address)
    for each in judged:
        if (found := _row_of(each, NEVER)) is not None:
            return f"{address} is never reached ({found.name}, {found.source})"
    if private:
        return ""
    for each in judged:
        if reason := _not_public(each):
            return f"{address} is not a public address ({reason}), and no other is allowed"
    return ""


def _not_public(address: Address) -> str:
    found = _row_of(address, NOT_PUBLIC)
    if found is not None:
        return f"{found.name}, {found.source}"
    outside = isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST
    return "outside of 2000::/3" if outside else ""


def _row_of(address: Address, table: Sequence[SpecialNetwork]) -> SpecialNetwork | None:
    return next((row for row in table if address in row.network), None)


def _judged(address: Address) -> list[Address]:
    """Return the addresses that must all be allowed."""
    if isinstance(address, IPv4Address) or address in _PLAIN:
        return [address]
    if any(address in network for network in _SPELLINGS):
        return [IPv4Address(int(address) & _WORD)]
    return [address, *_contained(address)]


def _contained(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address contains, by every form that it may be read in."""
    bits = int(address)
    if any(address in network for network in _ENDING) or (bits >> 32) & _WORD in _ISATAP:
        yield IPv4Address(bits & _WORD)
    if address in _SIX_TO_FOUR:
        yield IPv4Address((bits >> 80) & _WORD)
    if address in _TEREDO:
        yield IPv4Address((bits >> 64) & _WORD)  # the server
        yield IPv4Address(~bits & _WORD)  # the client
