"""The asynchronous client has the synchronous one's surface: names, parameters, annotations, docstrings."""

import inspect
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

import atelier
from atelier import AsyncBatchRun, AsyncClient, AsyncPicture, BatchRun, Client, Picture
from atelier.client.aio.transport import AsyncTransport
from atelier.client.transport import Transport

CHECKOUT = Path(__file__).parents[3]
SPECIAL = {"__enter__": "__aenter__", "__exit__": "__aexit__", "__iter__": "__aiter__"}


def resources(client: Any) -> dict[str, type]:
    parts = {name: part for name, part in vars(client).items() if not name.startswith("_")}
    return {name: type(part) for name, part in parts.items() if type(part).__name__.endswith("Resource")}


ONE, OTHER = resources(Client("http://127.0.0.1:9")), resources(AsyncClient("http://127.0.0.1:9"))
PAIRS = {
    Client: AsyncClient,
    BatchRun: AsyncBatchRun,
    Picture: AsyncPicture,
    **{kind: OTHER[name] for name, kind in ONE.items()},
}

SAME = {**PAIRS, Transport: AsyncTransport}


def members(kind: type) -> dict[str, Any]:
    found = inspect.getmembers(kind, lambda part: inspect.isfunction(part) or isinstance(part, property))
    special = {"__init__", *SPECIAL, *SPECIAL.values()}
    return {name: part for name, part in found if not name.startswith("_") or name in special}


def as_async(hint: Any) -> Any:
    """Return what a type of the synchronous client is in the asynchronous one."""
    if isinstance(hint, type) and hint in SAME:
        return SAME[hint]
    arguments = tuple(as_async(argument) for argument in get_args(hint))
    if not arguments or get_origin(hint) is Callable:
        return hint
    if get_origin(hint) in (Union, UnionType):
        return Union[arguments]  # noqa: UP007
    return get_origin(hint)[arguments] if get_origin(hint) in (tuple, list, Iterator) else hint


def check_pair(one: Any, other: Any, place: str) -> int:
    """Compare two functions; return 1 where the other one waits."""
    assert [*inspect.signature(one).parameters] == [*inspect.signature(other).parameters], place
    told, wanted = get_type_hints(other), get_type_hints(one)
    result, known = told.pop("return"), as_async(wanted.pop("return"))
    assert told == {name: as_async(hint) for name, hint in wanted.items()}, place
    assert one.__doc__ == other.__doc__, place
    for name, parameter in inspect.signature(one).parameters.items():
        default = inspect.signature(other).parameters[name].default
        assert parameter.default == default or callable(default), place
    if get_origin(known) is Iterator:
        assert result == AsyncGenerator[get_args(known)[0], None], place
        return 1
    assert result == known, place
    return int(inspect.iscoroutinefunction(other))


@pytest.mark.parametrize("kind", PAIRS, ids=lambda kind: kind.__name__)
def test_both_clients_have_the_same_surface(kind: type) -> None:
    ours, theirs = members(kind), members(PAIRS[kind])
    assert {SPECIAL.get(name, name) for name in ours} == members(PAIRS[kind]).keys()
    waiting = 0
    for name, one in ours.items():
        other = theirs[SPECIAL.get(name, name)]
        if isinstance(one, property):
            assert as_async(get_type_hints(one.fget)["return"]) == get_type_hints(other.fget)["return"]
        else:
            waiting += check_pair(one, other, f"{kind.__name__}.{name}")
    assert waiting >= 1


def test_every_part_of_the_client_has_its_like() -> None:
    assert ONE.keys() == OTHER.keys()
    assert len(ONE) >= 10
    assert {name for name in atelier.__all__ if name.startswith("Async")} == {
        "AsyncClient",
        "AsyncBatchRun",
        "AsyncPicture",
    }


def test_the_asynchronous_client_is_what_its_source_makes() -> None:
    command = [sys.executable, "clients/python/async_client", "--check"]
    checked = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr
