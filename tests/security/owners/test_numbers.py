"""Every number that an owner sees while another works is the one that the owner sees alone.

Two owners do the same, one after the other, over the real server. The first is alone; before the second goes
on, a third has jobs, batches, files, styles and webhooks in every status. What the second sees must be what
the first saw. What may differ is listed here, with why.
"""

from itertools import combinations

import pytest

from api.app import create_app
from api.services import build_services
from shared.settings import Settings
from tests.security.owners.person import DEFAULTS, Person, Worlds, begin, go_on
from tests.security.owners.snapshot import snapshot

Snapshot = dict[str, object]
OWN_SECONDS, OTHERS_SECONDS = 2.0, 60.0
# By the end of a field's place: a time that was measured, which may differ by a third.
CLOSE = {
    ".eta_seconds": "seconds of the owner's own jobs, which were measured",
    "retry-after": "as above",
}
MAY_DIFFER = {
    ".timings": "seconds that the owner's own job took",
    ".rate_per_second": "how fast the owner's own items ended",
    ".mean_seconds": "what the owner's own items took",
    "/v1/usage .data.0.key": "the id of the owner's own key",
    "/v1/keys/self .key": "the owner's own key, and when it was used",
    ".runner_seconds": "what the owner's own jobs took",
    ".metrics": "as above",
    " content-length": "has the digits of these numbers; every field is compared",
}


@pytest.fixture(scope="module")
def routes() -> list[str]:
    """Every route that answers to GET."""
    rules = create_app(build_services(Settings(redis_url="unix:///nowhere"))).url_map.iter_rules()
    return [rule.rule.replace("<int:index>", "0") for rule in rules if "GET" in (rule.methods or ())]


def others_work(bert: Person) -> None:
    """Have another owner do all that leaves a trace, and much of it; its networks are loaded by now."""
    world = bert.world
    begin(bert, OTHERS_SECONDS)
    world.announce(*DEFAULTS, "multistyle-26")
    world.work(bert.job("<large>", count=64), OTHERS_SECONDS)
    world.work(bert.ids["<style job>"], OTHERS_SECONDS)
    for number in range(6):
        bert.job(f"<more {number}>")
        bert.job(f"<more bulk {number}>", lane="bulk")
        world.worker.claim(bert.job(f"<more running {number}>"))
    bert.batch("<large batch>", 40)


@pytest.fixture(scope="module")
def seen(world: Worlds, routes: list[str]) -> dict[str, tuple[Snapshot, Snapshot]]:
    """What the owner sees before and after going on: alone, and beside another."""
    world.announce(*DEFAULTS)
    found = {}
    for name in ("ingrid", "sigrid"):
        person = Person(world, name)
        begin(person, OWN_SECONDS)
        if name == "sigrid":
            others_work(Person(world, "bert"))
        before = snapshot(person, routes)
        go_on(person, OWN_SECONDS)
        found[name] = (before, snapshot(person, routes))
    return found


def is_close(one: object, other: object) -> bool:
    try:
        numbers = float(str(one)), float(str(other))
    except ValueError:
        return one == other
    return abs(numbers[0] - numbers[1]) <= 1 + max(numbers) / 3


def differences(one: Snapshot, other: Snapshot) -> list[str]:
    """Return what is not as it was, without what may differ."""
    found = []
    for place in sorted({*one, *other}):
        values = one.get(place, "nothing"), other.get(place, "nothing")
        may = any(part in place for part in MAY_DIFFER)
        may = may or (place.endswith(tuple(CLOSE)) and is_close(*values))
        if values[0] != values[1] and not may:
            found.append(f"{place}: {values[0]} alone, {values[1]} beside")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("when", [0, 1], ids=["as it was", "gone on"])
def test_nothing_tells_an_owner_that_another_works(
    seen: dict[str, tuple[Snapshot, Snapshot]], when: int
) -> None:
    alone, beside = seen["ingrid"][when], seen["sigrid"][when]
    assert len(alone) > 2000
    told = differences(alone, beside)
    assert not told, "\n".join(told)


@pytest.mark.slow
def test_no_id_counts(world: Worlds) -> None:
    """Ids that follow each other must lie far apart: a counter would tell how much others made in between."""
    person = Person(world, "astrid")
    for number in range(5):
        world.work(person.job(f"<{number}>"), 0.1)
        person.batch(f"<batch {number}>", 1)
    deliveries = [one["id"] for one in person.ask("GET", "/v1/webhooks/deliveries").json()["data"]]
    kinds = [
        deliveries,
        *([i for i in person.ids.values() if i.startswith(kind)] for kind in ("job", "batch")),
    ]
    for ids in kinds:
        assert len(ids) >= 5
        ends = [int(each[-8:], 16) for each in ids]
        assert min(abs(a - b) for a, b in combinations(ends, 2)) > 1000, ids
