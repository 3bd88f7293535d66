"""Networks that are not the public internet, as a table: that of Python differs from version to version.

Sources, as of 2026-11:
IANA IPv4 Special-Purpose Address Registry, https://www.iana.org/assignments/iana-ipv4-special-registry
IANA IPv6 Special-Purpose Address Registry, https://www.iana.org/assignments/iana-ipv6-special-registry
IANA IPv6 Address Space, https://www.iana.org/assignments/ipv6-address-space
The clouds' own pages for their metadata services.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple


class SpecialNetwork(NamedTuple):
    """One row of a registry."""

    network: IPv4Network | IPv6Network
    name: str
    source: str  # the document that reserves it


def _row(network: str, name: str, source: str) -> SpecialNetwork:
    return SpecialNetwork(ip_network(network), name, source)


# The only part of IPv6 that is public, but for the networks below.
GLOBAL_UNICAST = IPv6Network("2000::/3")

# Never reached, whatever is allowed: no picture and no receiver can be there.
NEVER = (
    _row("0.0.0.0/8", "this network", "RFC 791"),
    _row("169.254.0.0/16", "link-local", "RFC 3927"),
    _row("224.0.0.0/4", "multicast", "RFC 5771"),
    _row("255.255.255.255/32", "limited broadcast", "RFC 919"),
    _row("::/128", "unspecified", "RFC 4291"),
    _row("64:ff9b:1::/48", "local-use translation: the IPv4 address may stand anywhere in it", "RFC 8215"),
    _row("fe80::/10", "link-local", "RFC 4291"),
    _row("ff00::/8", "multicast", "RFC 4291"),
    # Clouds give credentials to every internal caller here; others of these are in 169.254.0.0/16.
    _row("100.100.100.200/32", "metadata service", "Alibaba Cloud"),
    _row("168.63.129.16/32", "host agent", "Azure"),
    _row("192.0.0.192/32", "metadata service", "Oracle Cloud Classic"),
    _row("fd00:ec2::/32", "metadata, credentials of pods, DNS and time", "AWS"),
    _row("fd20:ce::254/128", "metadata service", "Google Cloud"),
    _row("fd00:c1::a9fe:a9fe/128", "metadata service", "Oracle Cloud"),
    _row("fd00:42::42/128", "metadata service", "Scaleway"),
    _row("fd00:a9fe:a9fe::1/128", "metadata service", "Akamai"),
    _row("fd00:100::100:200/128", "metadata service", "Alibaba Cloud"),
)

# Reached only where the operator allows private networks.
NOT_PUBLIC = (
    _row("10.0.0.0/8", "private use", "RFC 1918"),
    _row("100.64.0.0/10", "shared address space", "RFC 6598"),
    _row("127.0.0.0/8", "loopback", "RFC 1122"),
    _row("172.16.0.0/12", "private use", "RFC 1918"),
    _row("192.0.0.0/24", "protocol assignments", "RFC 6890"),
    _row("192.0.2.0/24", "documentation", "RFC 5737"),
    _row("192.31.196.0/24", "AS112", "RFC 7535"),
    _row("192.52.193.0/24", "AMT", "RFC 7450"),
    _row("192.88.99.0/24", "6to4 relays", "RFC 7526"),
    _row("192.168.0.0/16", "private use", "RFC 1918"),
    _row("192.175.48.0/24", "AS112", "RFC 7534"),
    _row("198.18.0.0/15", "benchmarking", "RFC 2544"),
    _row("198.51.100.0/24", "documentation", "RFC 5737"),
    _row("203.0.113.0/24", "documentation", "RFC 5737"),
    _row("240.0.0.0/4", "reserved", "RFC 1112"),
    _row("::1/128", "loopback", "RFC 4291"),
    _row("::/96", "IPv4-compatible", "RFC 4291"),
    _row("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765"),
    _row("100::/64", "discard-only", "RFC 6666"),
    _row("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
    _row("2001::/23", "protocol assignments, Teredo among them", "RFC 2928"),
    _row("2001:db8::/32", "documentation", "RFC 3849"),
    _row("2002::/16", "6to4", "RFC 3056"),
    _row("2620:4f:8000::/48", "AS112", "RFC 7534"),
    _row("3fff::/20", "documentation", "RFC 9637"),
    _row("5f00::/16", "segment routing", "RFC 9602"),
    _row("fc00::/7", "unique local", "RFC 4193"),
    _row("fec0::/10", "site-local", "RFC 3879"),
)
