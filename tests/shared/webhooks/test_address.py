from ipaddress import ip_address

import pytest

from shared.webhooks.address import refusal, refusal_of_url

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
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("private", [True, False])
def test_some_addresses_are_never_told(address: str, private: bool) -> None:
    assert "never a receiver's" in refusal(ip_address(address), private=private)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_told_where_allowed(address: str) -> None:
    assert refusal(ip_address(address), private=True) == ""
    assert "private network" in refusal(ip_address(address), private=False)


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("private", [True, False])
def test_public_addresses_are_told(address: str, private: bool) -> None:
    assert refusal(ip_address(address), private=private) == ""


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8/", "http://localhost/", "http://a.LOCALHOST./", "https://[::1]/", "http://10.1.1.1"],
)
def test_what_the_text_gives_away_is_refused_at_once(url: str) -> None:
    assert refusal_of_url(url, private=False)
    assert not refusal_of_url(url, private=True)


def test_a_name_is_looked_up_later() -> None:
    assert refusal_of_url("https://receiver.example/hook", private=False) == ""
