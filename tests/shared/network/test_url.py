import pytest

from shared.network.url import fault_of_host, fault_of_url, refusal_of_url

GOOD = [
    "http://127.0.0.1:8000/told",
    "https://receiver.example/a/b?token=%20x&y=(1)",
    "https://[2001:db8::1]:8443/",
    "https://xn--bcher-kva.example",
]
BAD = {
    "ftp://a.example/": "http://",
    "//a.example/": "http://",
    "http://": "names no host",
    "http://a.example:0/": "names no host",
    "http://a.example:99999/": "is no URL",
    "http://[::1/": "is no URL",
    "http://user:secret@a.example/": "credentials",
    "http://user@a.example/": "credentials",
    "http://@a.example/": "credentials",
    "http://a.example/#part": "fragment",
    "http://a.example/\nX: y": "percent-encoded",
    "http://a.example\\@b.example/": "percent-encoded",
    "http://bücher.example/": "percent-encoded",
    " http://a.example/": "percent-encoded",
    "": "percent-encoded",
}


@pytest.mark.parametrize("url", GOOD)
def test_urls_of_receivers_are_taken(url: str) -> None:
    assert (fault_of_url(url), fault_of_host(url)) == ("", "")


@pytest.mark.parametrize(("url", "reason"), BAD.items())
def test_what_is_no_url_of_a_receiver_is_refused(url: str, reason: str) -> None:
    assert reason in fault_of_url(url)


BAD_HOSTS = [
    "2130706433",  # 127.0.0.1 as one number, and so on
    "0x7f000001",
    "017700000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.01",
    "1.2.3.4.5",
    "127.0.0.1.",
    "256.1.1.1",
    "0x",
    "example.0x7f",
    "[::1%25eth0]",
    "[fe80::1%eth0]",
    "[::127.0.0.1.]",
    "[v1.fe80]",
    "xn--",
    "xn--a",
    "xn--zzzzzzzzzz99999",
    "good.xn--0.example",
    "xn--abc-.example",
    "%31%32%37.0.0.1",
    "a..example",
    ".example",
    "-a.example",
    "a-.example",
    "a" * 64 + ".example",
    ".".join(["a" * 60] * 5),
    "a!b.example",
    "a,b.example",
    "a;b.example",
]


@pytest.mark.parametrize("host", BAD_HOSTS)
@pytest.mark.parametrize("port", ["", ":8080"])
def test_a_host_that_can_never_be_reached_is_refused_at_once(host: str, port: str) -> None:
    url = f"http://{host}{port}/x"
    assert fault_of_url(url) or fault_of_host(url)
    assert fault_of_url(url) or refusal_of_url(url, private=True)


@pytest.mark.parametrize(
    "host",
    ["a.example", "A.Example.", "_dmarc.example", "a--b.example", "1.example", "xn--fa-hia.de", "[::1]"],
)
def test_other_hosts_are_looked_up(host: str) -> None:
    assert (fault_of_url(f"http://{host}/"), fault_of_host(f"http://{host}/")) == ("", "")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8/", "http://localhost/", "http://a.LOCALHOST./", "https://[::1]/", "http://10.1.1.1"],
)
def test_what_the_text_gives_away_is_refused_at_once(url: str) -> None:
    assert refusal_of_url(url, private=False)
    assert not refusal_of_url(url, private=True)


def test_a_name_is_looked_up_later() -> None:
    assert refusal_of_url("https://receiver.example/hook", private=False) == ""
