"""One owner's slow addresses leave places to fetch pictures for others."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from api.services import Services
from shared.identifiers import ANONYMOUS
from shared.network.fetcher import Slots
from shared.network_settings import FetchSettings
from shared.settings import Settings
from tests.api.test_owners import Person, anna, bert
from tests.support.http.scripted_server import Reply, ScriptedServer, scripted_server
from tests.support.images.pictures import png

__all__ = ["anna", "bert"]  # fixtures
STYLE = {"number": 1}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"fetch": FetchSettings(allow_private=True, timeout_seconds=5)})


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.replies["/photo"] = Reply(body=png(40, 30))
        yield running


def painted(url: str) -> dict[str, Any]:
    return {"type": "stylize", "model": "multistyle-26", "content": url, "styles": [STYLE]}


ASKED: dict[str, Callable[[Person, str], Any]] = {
    "job": lambda person, url: person("POST", "/v1/jobs", json=painted(url)),
    "batch": lambda person, url: person("POST", "/v1/batches", json={"items": [painted(url)]}),
    "style": lambda person, url: person("POST", "/v1/styles", json={"name": "waves", "image": url}),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_an_owner_whose_places_are_taken_waits_and_another_does_not(
    ask: Callable[[Person, str], Any], anna: Person, bert: Person, services: Services, web: ScriptedServer
) -> None:
    count = services.settings.api.threads
    with ExitStack() as places:
        taken = [places.enter_context(services.fetcher.slot("anna")) for _ in range(count)]
        assert taken == [True] * (count // 2) + [False] * (count // 2)
        refused = ask(anna, f"{web.url}/photo")
        assert (refused.status_code, refused.json["code"]) == (503, "too_many_fetches")
        assert int(refused.headers["Retry-After"]) > 0
        assert ask(bert, f"{web.url}/photo").status_code in (201, 202)
    assert ask(anna, f"{web.url}/photo").status_code in (201, 202)


def test_without_keys_there_is_nobody_to_leave_places_to() -> None:
    slots = Slots(3)
    with ExitStack() as places:
        assert [places.enter_context(slots.taken(ANONYMOUS)) for _ in range(4)] == [True] * 3 + [False]
    with slots.taken(ANONYMOUS) as free:
        assert free


def test_owners_together_have_no_more_than_all_places() -> None:
    slots = Slots(3)
    with ExitStack() as places:
        owners = ("a", "a", "b", "c", "d")
        assert [places.enter_context(slots.taken(owner)) for owner in owners] == [
            True,
            False,
            True,
            True,
            False,
        ]


def test_places_are_counted_right_by_many_threads() -> None:
    slots, most, inside = Slots(4), 0, 0
    lock = threading.Lock()

    def visit(owner: str) -> None:
        nonlocal most, inside
        for _ in range(300):
            with slots.taken(owner) as free:
                if free:
                    with lock:
                        inside += 1
                        most = max(most, inside)
                    with lock:
                        inside -= 1

    threads = [threading.Thread(target=visit, args=(owner,)) for owner in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 4
    with ExitStack() as places:
        assert all(places.enter_context(slots.taken(ANONYMOUS)) for _ in range(4))
