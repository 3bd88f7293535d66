"""Spellings of inner addresses: whatever a URL looks like, no connection is made to the inside."""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from shared.network import guarded_client
from shared.network.guarded_client import GuardedClient, NotReached
from shared.network.url import fault_of_url, refusal_of_url
from tests.security.network.spellings import METADATA, SPELLINGS
from tests.support.http.scripted_server import Reply, ScriptedServer, scripted_server

_watched: list[Any] = []
_watching: list[bool] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event == "socket.connect":
        _watched.append(arguments[1])


sys.addaudithook(_watch)


@contextmanager
def connections() -> Iterator[list[Any]]:
    """Collect the addresses of all connections that this process tries to make within the block."""
    _watched.clear()
    _watching.append(True)
    try:
        yield _watched
    finally:
        _watching.clear()


def ask(*urls: str, private: bool = False) -> list[str]:
    """Get and post each URL; return what is told of each."""

    async def both() -> list[str]:
        client = GuardedClient(user_agent="test")
        told = []
        for url in urls:
            for request in (
                client.get(url, private=private, seconds=2, most_bytes=100),
                client.post(url, b"{}", {}, private=private, seconds=2),
            ):
                try:
                    told.append(f"answered {(await request).status}")
                except NotReached as fault:
                    told.append(str(fault))
        await client.close()
        return told

    return asyncio.run(both())


def resolver(answers: Callable[[str, int], list[str]]) -> Callable[..., list[Any]]:
    """Return a stand-in for getaddrinfo; `answers` gives the addresses of a name at its n-th question."""
    questions: dict[str, int] = {}

    def look_up(host: bytes, port: int, **_: Any) -> list[Any]:
        name = host.decode()
        questions[name] = questions.get(name, 0) + 1
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        found = answers(name, questions[name])
        return [(families[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    return look_up


@pytest.fixture
def inside() -> Iterator[ScriptedServer]:
    """What must not be reached: it listens on the loopback."""
    with scripted_server() as running:
        running.replies["/"] = Reply(body=b"secret")
        yield running


@pytest.fixture
def local_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is looked up is on the loopback, and must be refused by its address."""
    monkeypatch.setattr(guarded_client, "getaddrinfo", resolver(lambda *_: ["127.0.0.1", "::1"]))


def test_there_are_enough_spellings() -> None:
    assert len(set(SPELLINGS)) == len(SPELLINGS) >= 230


@pytest.mark.usefixtures("local_names")
@pytest.mark.parametrize("url", SPELLINGS, ids=ascii)
def test_no_spelling_reaches_the_inside(url: str) -> None:
    with connections() as made:
        told = ask(url)
    assert (made, set(told)) == ([], {guarded_client.REFUSED})


@pytest.mark.usefixtures("local_names")
@pytest.mark.parametrize("host", METADATA, ids=ascii)
def test_no_spelling_reaches_metadata_whatever_is_allowed(host: str) -> None:
    with connections() as made:
        told = ask(f"http://{host}/", private=True)
    assert (made, set(told)) == ([], {guarded_client.REFUSED})


@pytest.mark.parametrize("url", SPELLINGS, ids=ascii)
def test_what_the_text_gives_away_is_refused_at_submission(url: str) -> None:
    assert fault_of_url(url) or refusal_of_url(url, private=False)


def test_a_name_that_changes_its_address_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server answers with a public address first, and with the inside from then on."""
    reached: list[str] = []

    async def reach(_: object, request: httpx.Request) -> httpx.Response:
        reached.append(request.url.host)
        return httpx.Response(204)

    answers = resolver(lambda _, question: ["8.8.8.8" if question == 1 else "127.0.0.1"])
    monkeypatch.setattr(guarded_client, "getaddrinfo", answers)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", reach)
    with connections() as made:
        told = ask("http://rebound.example/")
    assert (made, told, reached) == ([], ["answered 204", guarded_client.REFUSED], ["8.8.8.8"])


def test_a_name_is_looked_up_once_and_connected_to_where_it_was_checked(
    inside: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the loopback in the place of a public address: the second question would get another answer."""
    questions: list[int] = []

    def answers(_: str, question: int) -> list[str]:
        questions.append(question)
        return ["127.0.0.1"] if question == 1 else ["169.254.169.254"]

    monkeypatch.setattr(guarded_client, "getaddrinfo", resolver(answers))

    async def get() -> int:
        client = GuardedClient(user_agent="test")
        url = f"http://rebound.example:{inside.port}/"
        answer = await client.get(url, private=True, seconds=2, most_bytes=100)
        await client.close()
        return answer.status

    with connections() as made:
        assert asyncio.run(get()) == 200
    assert (questions, [address[0] for address in made]) == ([1], ["127.0.0.1"])


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/",
        "//169.254.169.254/",
        "http://2852039166/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://metadata.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_",
        "http://user@127.0.0.1/",
        "http://[::1",
        "http://public.example\\@169.254.169.254/",
        "http://" + "a" * 3000,
        "data:image/png;base64,AAAA",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_checked_as_a_new_address(
    inside: ScriptedServer, monkeypatch: pytest.MonkeyPatch, target: str, status: int
) -> None:
    """The loopback stands for a public host that redirects."""
    names = {"metadata.example": ["169.254.169.254"]}
    monkeypatch.setattr(
        guarded_client, "getaddrinfo", resolver(lambda name, _: names.get(name, ["127.0.0.1"]))
    )
    inside.replies["/"] = Reply(status, {"Location": target})
    with connections() as made:
        told = ask(f"http://public.example:{inside.port}/", private=True)
    assert told == [guarded_client.REFUSED, f"answered {status}"]
    assert {address[1] for address in made} == {inside.port}


def test_a_redirect_from_the_outside_does_not_lead_inside(
    inside: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a table in which the outside is one loopback address and the inside another."""
    monkeypatch.setattr(
        guarded_client,
        "refusal",
        lambda address, *, private: "" if str(address) == "127.0.0.2" else "inside",
    )
    monkeypatch.setattr(guarded_client, "getaddrinfo", resolver(lambda *_: ["127.0.0.2"]))
    inside.replies["/"] = Reply(302, {"Location": f"http://127.0.0.1:{inside.port}/secret"})
    with connections() as made:
        ask(f"http://outside.example:{inside.port}/")
    assert {address[0] for address in made} == {"127.0.0.2"}
