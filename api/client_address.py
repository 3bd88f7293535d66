"""The address that a request comes from: the client's as trusted proxies tell it, and that of the peer."""

from ipaddress import IPv6Address, ip_address, ip_network

from flask import request

_SITE_PREFIX = 64  # bits of an IPv6 address: anyone who has one address there has them all


def client_address() -> str:
    """Return the client's address, by what trusted proxies say; "" over a Unix socket without a proxy."""
    return request.remote_addr or ""


def peer_address() -> str:
    """Return the address at the other end of the socket, whatever proxies say; "" over a Unix socket."""
    received = request.environ.get("werkzeug.proxy_fix.orig", request.environ)
    return received.get("REMOTE_ADDR") or ""


def counted_address() -> str:
    """Return what the requests of one client are counted by: its address, of IPv6 its network."""
    try:
        address = ip_address(client_address())
    except ValueError:  # a Unix socket, or nonsense of a proxy
        return "local"
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ip_network((address.packed, _SITE_PREFIX), strict=False))
    return str(address)
