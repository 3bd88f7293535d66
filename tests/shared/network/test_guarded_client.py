"""The client's bounds; tests/security has what it refuses."""

import asyncio
import gzip
import logging
import socket
import time
import zlib
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest

from shared.network import guarded_client
from shared.network.guarded_client import MAX_REDIRECTS, REFUSED, Answer, GuardedClient, NotReached, TooLarge
from tests.support.http.scripted_server import Reply, ScriptedServer, scripted_server

NO_ANSWER = "no answer within 3 s"


@pytest.fixture
def served() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is on the loopback."""

    def look_up(host: bytes, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(guarded_client, "getaddrinfo", look_up)


def get(url: str, *, most: int = 1000, seconds: float = 3, private: bool = True) -> Answer:
    async def ask() -> Answer:
        client = GuardedClient(user_agent="test")
        try:
            return await client.get(url, private=private, seconds=seconds, most_bytes=most)
        finally:
            await client.close()

    return asyncio.run(ask())


def post(*urls: str) -> None:
    async def ask() -> None:
        client = GuardedClient(user_agent="test")
        for url in urls:
            await client.post(url, b"{}", {}, private=True, seconds=3)
        await client.close()

    asyncio.run(ask())


def test_an_answer_is_read_as_it_is(served: ScriptedServer) -> None:
    served.replies["/a?b=c"] = Reply(body=b"picture")
    assert get(f"http://pictures.example:{served.port}/a?b=c").body == b"picture"
    (asked,) = served.asked
    assert asked.headers["host"] == f"pictures.example:{served.port}"
    assert asked.headers["accept-encoding"] == "identity"


def test_another_status_brings_no_body(served: ScriptedServer) -> None:
    served.replies["/a"] = Reply(status=403, body=b"secret")
    assert (get(f"{served.url}/a").status, get(f"{served.url}/a").body) == (403, b"")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"x" * 1001),
        Reply(pieces=lambda: repeat(b"x" * 100)),
        Reply(headers={"Content-Length": "9" * 18}),
        Reply(body=gzip.compress(b"x" * 1001), headers={"Content-Encoding": "gzip"}),
        Reply(body=gzip.compress(b"\0" * 50_000_000), headers={"Content-Encoding": "gzip"}),
        Reply(body=zlib.compress(b"\0" * 1001), headers={"Content-Encoding": "deflate"}),
    ],
    ids=["length", "no length", "giant length", "gzip", "gzip bomb", "deflate"],
)
def test_decoded_bytes_are_bounded(served: ScriptedServer, reply: Reply) -> None:
    served.replies["/a"] = reply
    with pytest.raises(TooLarge, match="more than 1000 bytes"):
        get(f"{served.url}/a")


def test_what_is_compressed_though_not_asked_for_is_read(served: ScriptedServer) -> None:
    served.replies["/a"] = Reply(body=gzip.compress(b"x" * 1000), headers={"Content-Encoding": "gzip"})
    assert get(f"{served.url}/a").body == b"x" * 1000


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_other_codings_are_refused(served: ScriptedServer, coding: str) -> None:
    served.replies["/a"] = Reply(body=b"x", headers={"Content-Encoding": coding})
    with pytest.raises(NotReached):
        get(f"{served.url}/a")


def test_the_whole_time_is_bounded_however_slowly_bytes_come(served: ScriptedServer) -> None:
    def trickle() -> Iterator[bytes]:
        while not served.ended.wait(0.05):
            yield b"x"

    served.replies["/a"] = Reply(pieces=trickle)
    began = time.monotonic()
    with pytest.raises(NotReached, match=r"no answer within 0.4 s"):
        get(f"{served.url}/a", seconds=0.4)
    assert time.monotonic() - began < 2


def test_redirects_are_followed_within_bounds(served: ScriptedServer) -> None:
    for hop in range(10):
        served.replies[f"/{hop}"] = Reply(302, {"Location": f"/{hop + 1}#part"})
    served.replies[f"/{MAX_REDIRECTS}"] = Reply(body=b"there")
    assert get(f"{served.url}/0").body == b"there"
    served.replies[f"/{MAX_REDIRECTS}"] = Reply(302, {"Location": "/4"})
    with pytest.raises(NotReached, match="redirects"):
        get(f"{served.url}/0")


def test_a_post_follows_no_redirect(served: ScriptedServer) -> None:
    served.replies["/a"] = Reply(307, {"Location": "/b"})
    post(f"{served.url}/a")
    assert [asked.path for asked in served.asked] == ["/a"]


def test_no_cookie_is_kept(served: ScriptedServer) -> None:
    served.replies["/a"] = Reply(headers={"Set-Cookie": "mine=1"})
    post(f"http://one.example:{served.port}/a", f"http://two.example:{served.port}/b")
    assert [asked.headers.get("cookie") for asked in served.asked] == [None, None]


def test_a_proxy_of_the_environment_is_not_used(
    served: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    served.replies["/a"] = Reply(body=b"direct")
    assert get(f"{served.url}/a").body == b"direct"


def test_failures_are_told_alike_and_logged_in_full(
    served: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Who asks learns nothing of ports and answers; the operator learns all."""
    caplog.set_level(logging.INFO, "atelier.network")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    served.replies["/a"] = Reply(headers={"Content-Encoding": "secret"}, body=b"secret")
    told = set()
    for url in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{served.port}/", f"{served.url}/a"):
        with pytest.raises(NotReached) as caught:
            get(url)
        told.add(str(caught.value))
    assert told == {NO_ANSWER}
    reasons = [record.reason for record in caplog.records]  # type: ignore[attr-defined]
    assert len(set(reasons)) == 3


def test_a_private_address_is_refused_without_its_name(served: ScriptedServer) -> None:
    with pytest.raises(NotReached) as caught:
        get(f"http://inside.example:{served.port}/", private=False)
    assert (str(caught.value), served.asked) == (REFUSED, [])
