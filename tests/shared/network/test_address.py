from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.network.address import refusal

NEVER = [
    "169.254.169.254",  # clouds hand out credentials there
    "169.254.1.1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "fe80::1%eth0",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "::ffff:169.254.169.254",  # mapped
    "64:ff9b::a9fe:a9fe",  # translated
    "2002:a9fe:a9fe::1",  # tunneled
    "::ffff:0:a9fe:a9fe",  # translated by older rules
    "::a9fe:a9fe",  # compatible
    "2001:0:a9fe:a9fe::1",  # the server of a Teredo tunnel
    "2001:0:808:808:0:0:5601:5601",  # its client, inverted
    "2606:4700::5efe:a9fe:a9fe",  # ISATAP
    "2606:4700::200:5efe:a9fe:a9fe",
    "64:ff9b:1:a00:0:100:808:808",  # 10.0.0.1 in the middle, 8.8.8.8 at the end
    "64:ff9b:1::808:808",
    "0.1.2.3",
    "192.0.0.192",
    "fd00:ec2::23",
    "fd00:ec2::253",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
    "fd00:100::100:200",
]
PRIVATE = [
    "127.0.0.1",
    "::1",
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::c0a8:101",
    "192.0.2.1",
    "198.18.0.1",
    "240.0.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "203.0.113.5",
    "2606:4700::5efe:a00:1",  # ISATAP: 10.0.0.1 in a public network
    "2002:808:808::1",  # 6to4: the outer address counts too
    "2001:0:808:808::1",
    "::808:808",
    "::ffff:0:808:808",
    "2001:4:112::1",
    "2001:db8::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "64:ff9b:2::1",
    "100::1",
    "fec0::1",
]
PUBLIC = [
    "93.184.216.34",
    "2606:2800:220:1:248:1893:25c8:1946",
    "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822",
    "2606:4700::5efe:808:808",
]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("private", [True, False])
def test_some_addresses_are_never_told(address: str, private: bool) -> None:
    assert "is never reached" in refusal(ip_address(address), private=private)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_told_where_allowed(address: str) -> None:
    assert refusal(ip_address(address), private=True) == ""
    assert "not a public address" in refusal(ip_address(address), private=False)


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("private", [True, False])
def test_public_addresses_are_told(address: str, private: bool) -> None:
    assert refusal(ip_address(address), private=private) == ""


def _is_spelling(address: IPv4Address | IPv6Address) -> bool:
    """Whether an IPv6 address is one of an IPv4 address."""
    return any(address in IPv6Network(form) for form in ("::ffff:0:0/96", "64:ff9b::/96"))


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_of_ipv6_only_global_unicast_is_public(address: IPv6Address) -> None:
    if not refusal(address, private=False):
        assert address in IPv6Network("2000::/3") or _is_spelling(address)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_another_spelling_of_an_ipv4_address_is_judged_alike(address: IPv4Address, prefix: str) -> None:
    spelled = IPv6Address(int(IPv6Address(prefix)) | int(address))
    for private in (True, False):
        assert bool(refusal(spelled, private=private)) == bool(refusal(address, private=private))


@given(st.ip_addresses())
def test_whatever_python_calls_private_is_not_public(address: IPv4Address | IPv6Address) -> None:
    if address.is_private or address.is_reserved or address.is_multicast:
        assert _is_spelling(address) or refusal(address, private=False)
