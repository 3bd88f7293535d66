"""What scripts are put together from: the includes that they name, and the keys that they use."""

import re
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from atelier.local.redis_server import EmbeddedServer
from shared.errors import StoreUnavailable
from shared.redis import scripts
from shared.redis.client import Client, connect
from shared.redis.scripts import Scripts, named_includes, names, program, source, value_of
from shared.setting_groups import RedisRules

FOLDER = Path(scripts.__file__).parent / "lua"
INCLUDES = sorted(f"includes/{path.stem}" for path in (FOLDER / "includes").iterdir())
FILES = [*INCLUDES, *sorted(names())]
DEFINED = re.compile(r"^local (?:function )?(\w+)", re.MULTILINE)
COMMENT = re.compile(r"--.*")


def words(name: str) -> set[str]:
    """Return the identifiers of a file, without names of fields such as `job.status` and without comments."""
    return set(re.findall(r"(?<![.\w'])[A-Za-z_]\w*", COMMENT.sub("", source(name))))


def defined(name: str) -> set[str]:
    return set(DEFINED.findall(source(name)))


def test_every_include_is_named_by_a_script() -> None:
    assert {part for name in FILES for part in named_includes(name)} == set(INCLUDES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_names_the_includes_that_it_uses_and_no_others(name: str) -> None:
    others = [include for include in INCLUDES if include != name]
    used = {include for include in others if defined(include) & (words(name) - defined(name))}
    assert set(named_includes(name)) == used


def test_no_name_is_defined_by_two_includes() -> None:
    every = [word for include in INCLUDES for word in defined(include)]
    assert sorted(every) == sorted(set(every))


@pytest.mark.parametrize("name", FILES)
def test_a_file_defines_no_function_twice(name: str) -> None:
    """The later one hides the earlier one, which may then be what nobody calls."""
    functions = re.findall(r"^local function (\w+)", source(name), re.MULTILINE)
    assert sorted(functions) == sorted(set(functions))


def test_an_include_stands_once_before_all_that_need_it() -> None:
    text = program("jobs/submit")
    places = [text.index(f"local function {word}(") for word in ("fields", "wait_in", "enqueue", "end_job")]
    assert places == sorted(places)
    assert text.count("local function fields(") == 1


def test_a_script_has_of_its_includes_what_it_uses_alone() -> None:
    beat = program("jobs/beat")
    assert "local function lease_state(" in beat
    assert "end_attempt" not in beat
    assert "HOLDINGS" not in beat.upper(), "no key for what it does not use"


@pytest.mark.parametrize("name", INCLUDES)
def test_an_include_only_defines(name: str) -> None:
    """What is no part of a definition would be left out with the one before it.

    A table and its functions are one definition: it stands before them.
    """
    table = ""
    for line in source(name).splitlines():
        if line.startswith("local "):
            table = line.split()[1]
        elif line.startswith("function "):
            assert line.startswith(f"function {table}."), line
        else:
            assert line.startswith((" ", "--")) or line in ("", "end", "}"), line


def test_an_include_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"jobs/fail": "-- include: moods\nreturn 1"}
    monkeypatch.setattr(scripts, "source", lambda name: texts.get(name) or source(name))
    with pytest.raises(FileNotFoundError, match="moods"):
        program.__wrapped__("jobs/fail")


def test_a_script_defines_the_keys_that_it_uses_alone() -> None:
    text = program("workers/announce")
    assert re.findall(r"^local (?:function )?(\w+).*P \.\. '", text, re.MULTILINE) == ["worker_key"]
    assert "(P .. 'workers')" in text
    assert not re.search(r"\bWORKERS\b", text)


def test_constants_of_includes_stand_where_they_are_used() -> None:
    texts = {"script": "-- include: a\nreturn {MOST, 'MOST', t.MOST, LEAST_MOST}"}
    definitions = ["local MOST = 2 ^ 3\n", "local LEAST_MOST, OTHER = 1, 2\n"]
    made = scripts._without_constants(definitions, texts["script"])
    assert made.splitlines()[-1] == "return {(2 ^ 3), 'MOST', t.MOST, LEAST_MOST}"
    assert "local LEAST_MOST, OTHER = 1, 2" in made


@pytest.mark.parametrize("name", sorted(names()))
def test_a_server_takes_a_script_with_room_for_more(name: str, redis_client: Client) -> None:
    """Lua takes 200 local variables at the top of a script, beside which some stay for what comes next."""
    redis_client.script_load("local A, B, C = 1, 2, 3\n" * 5 + program(name))


def test_a_hash_and_a_script_are_read_in_one_round_trip_also_by_a_server_that_knows_no_script(
    redis_client: Client,
) -> None:
    redis_client.hset("some", "name", "value")
    redis_client.script_flush()
    for _ in range(2):
        asked = ("HGETALL", "some"), ("jobs/depths", "bulk")
        assert Scripts(redis_client).run_together(*asked) == [{"name": "value"}, [0]]


def test_what_fails_beside_a_script_is_told_in_its_place(redis_client: Client) -> None:
    redis_client.set("some", "no hash")
    redis_client.script_flush()
    for _ in range(2):
        failed, depths = Scripts(redis_client).run_together(("HGETALL", "some"), ("jobs/depths", "bulk"))
        assert depths == [0]
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            value_of(failed)
        Scripts(redis_client).run("jobs/depths", "bulk")


def test_a_promise_beside_others_waits_for_replicas_as_by_itself(server: EmbeddedServer) -> None:
    with connect(server.url, rules=RedisRules(replicas=1, replica_seconds=0.1)) as client:
        scripts = Scripts(client)
        client.script_flush()
        for _ in range(2):
            asked = ("workers/cordon", "w1", "anna", "", ""), ("jobs/depths", "bulk")
            promised, depths = scripts.run_together(*asked)
            assert depths == [0]
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
                value_of(promised)
