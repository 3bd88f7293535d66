"""Signed addresses: for how long, and for which changes, one is taken."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.access.key import ApiKey, KeyText, Scope
from shared.access.signed_url import is_signed, signed_query

TEXT = KeyText.new()
KEY = ApiKey(TEXT.id, "shop", "shop", frozenset({Scope.READ}), TEXT.digest, created_at=0)
SECONDS = 900
MOMENTS = st.integers(0, 10**13)
PATHS = st.text(max_size=60)


def parts_of(query: str) -> dict[str, str]:
    parts = dict(pair.split("=") for pair in query.removeprefix("?").split("&"))
    assert parts.pop("key") == KEY.id
    return parts


@given(path=PATHS, now=MOMENTS, later=st.integers(0, 3 * SECONDS * 1000))
def test_an_address_is_taken_for_its_time_and_at_most_for_twice_as_long(
    path: str, now: int, later: int
) -> None:
    parts = parts_of(signed_query(KEY, path, now, seconds=SECONDS))
    taken = is_signed(KEY, path, **parts, now=now + later)
    assert taken or later >= SECONDS * 1000
    assert not taken or later < 2 * SECONDS * 1000


@given(path=PATHS, other=PATHS, now=MOMENTS)
def test_it_is_taken_for_its_own_path_and_key_alone(path: str, other: str, now: int) -> None:
    parts = parts_of(signed_query(KEY, path, now, seconds=SECONDS))
    assert is_signed(KEY, other, **parts, now=now) == (path == other)
    assert not is_signed(replace(KEY, digest=KeyText.new().digest), path, **parts, now=now)
    assert not is_signed(replace(KEY, id=KeyText.new().id), path, **parts, now=now)


@given(now=MOMENTS, expires=st.text(max_size=20), signature=st.text(max_size=80))
def test_nothing_else_is_taken(now: int, expires: str, signature: str) -> None:
    assert not is_signed(KEY, "/v1/jobs/a/outputs/0", expires=expires, signature=signature, now=now)
