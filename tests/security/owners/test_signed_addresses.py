"""Signed addresses, over the real server: who has one reads what is there, and nothing else."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest

from api.app import create_app
from api.auth import rule_of
from api.services import build_services
from shared.access.key import Scope
from shared.access.signed_url import signed_query
from shared.settings import Settings
from tests.security.owners.person import DEFAULTS, Person, Worlds, begin
from tests.support.waiting import eventually

VIEWS = ("jobs", "batches", "files", "styles", "jobs?items=true")
SIGNED = re.compile(r"(.*)[?]key=(\w+)&expires=(\d+)&signature=(\w+)(.*)")


@pytest.fixture(scope="module")
def anna(world: Worlds) -> Person:
    world.announce(*DEFAULTS)
    person = Person(world, "anna")
    begin(person, 0.1)
    return person


@pytest.fixture(scope="module")
def addresses(anna: Person) -> list[str]:
    """Every address that a person's key has been told, and that is signed."""
    return told_to(anna)


def told_to(person: Person) -> list[str]:
    views = [person.ask("GET", f"/v1/{path}").json() for path in VIEWS]
    predictions = person.ask("GET", "/replicate/v1/predictions").json()["results"]
    views.append([each for each in predictions if each["completed_at"]])  # streams of others have no end
    found = {text: None for view in views for text in texts(view)}
    return [text for text in found if "signature=" in text]


def one_of_each(addresses: list[str]) -> list[str]:
    """Return one address of each route."""
    found = {re.sub(r"_[0-9a-f-]{32,}", "", httpx.URL(address).path): address for address in addresses}
    assert len(found) == 9
    return list(found.values())


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def test_every_route_that_takes_a_signature_is_told_by_one(addresses: list[str]) -> None:
    app = create_app(build_services(Settings(redis_url="unix:///nowhere")))
    rules = app.url_map.iter_rules()
    signed = {rule.rule for rule in rules if (of := rule_of(app.view_functions[rule.endpoint])) and of.signed}
    match = app.url_map.bind("localhost").match
    paths = [httpx.URL(address).path for address in addresses]
    assert {match(path, return_rule=True)[0].rule for path in paths} == signed
    assert all(rule.methods == {"GET", "HEAD", "OPTIONS"} for rule in rules if rule.rule in signed)
    assert len(signed) == 9


def test_an_address_needs_no_key_and_one_in_the_header_does_no_harm(
    world: Worlds, anna: Person, addresses: list[str]
) -> None:
    for address in addresses:
        assert world.http.get(address).status_code == 200, address
        assert world.http.head(address).status_code == 200, address
        assert world.http.get(address, headers=anna.headers).status_code == 200, address


def wrong(address: str, other: str, key: str) -> Iterator[str]:
    """Yield addresses that nobody has signed."""
    found = SIGNED.fullmatch(address)
    assert found
    path, signer, expires, signature, rest = found.groups()

    def signed(path: str, key: str = signer, until: int = int(expires), by: str = signature) -> str:
        return f"{path}?key={key}&expires={until}&signature={by}{rest}"

    yield path
    yield signed(path, until=int(expires) + 3600)
    yield signed(path, key)
    yield signed(path, by=signature[:-1] + "01"[signature[-1] == "0"])
    yield signed(path, by="")
    yield signed(f"{path}/")
    yield signed(other.partition("?")[0])
    yield signed(path.rpartition("/")[0])


def test_an_address_that_nobody_signed_is_refused(world: Worlds, anna: Person, addresses: list[str]) -> None:
    (bert, _) = world.keys.create("bert", owner="anna", scopes=frozenset({Scope.READ}))
    for address, other in pairwise([*one_of_each(addresses), addresses[0]]):
        for each in wrong(address, other, bert.id):
            assert world.http.get(each).status_code in (401, 404), each  # nothing is at some of the paths
        assert world.http.get(f"{address}x").status_code == 401 or "step=" in address
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert world.http.request(method, address).status_code in (401, 405), f"{method} {address}"


def test_an_address_is_over_in_time(world: Worlds, anna: Person) -> None:
    path = f"/v1/files/{anna.ids['<file>']}/content"
    read = world.keys.read()
    key = next(each for each in read.keys or () if each.owner == "anna")
    for hours, status in ((0, 200), (1, 200), (2, 401), (48, 401)):
        query = signed_query(key, path, read.now - hours * 3_600_000, seconds=3600)
        assert world.http.get(f"{path}{query}").status_code == status, hours


def test_what_an_address_reads_has_no_addresses_signed_anew(
    world: Worlds, anna: Person, addresses: list[str]
) -> None:
    done = [address for address in addresses if anna.ids["<done batch>"] in address]
    archive = next(address for address in done if "results.zip" in address)
    manifest = next(address for address in done if "results.jsonl" in address)
    lines = zipfile.ZipFile(io.BytesIO(world.http.get(archive).content)).read("results.jsonl").decode()
    for text in (lines, world.http.get(manifest).text):
        assert "signature" not in text
        assert json.loads(text.splitlines()[0])["custom_id"]


def test_a_new_key_signs_beside_the_old_one_until_that_is_revoked(world: Worlds) -> None:
    old, new = Person(world, "carla"), Person(world, "carla")
    world.work(old.job("<done>"), 0.1)
    before, after = (next(each for each in told_to(one) if "/outputs/" in each) for one in (old, new))
    assert before != after
    assert [world.http.get(each).status_code for each in (before, after)] == [200, 200]
    found = SIGNED.fullmatch(before)
    assert found
    world.keys.revoke(found[2])
    eventually(lambda: world.http.get(before).status_code == 401, seconds=2)
    assert world.http.get(after).status_code == 200
