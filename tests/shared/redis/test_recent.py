"""What a process reads of the job store now and then."""

import pytest
from redis.exceptions import ResponseError

from shared.redis.client import Client
from shared.redis.recent import Recent, ageing
from shared.redis.scripts import Scripts, value_of


@pytest.fixture
def recent(redis_client: Client) -> Recent[str]:
    return Recent(Scripts(redis_client), ("GET", "some"), value_of, seconds=60)


def test_a_value_is_read_again_only_when_it_is_old_or_forgotten(
    redis_client: Client, recent: Recent[str]
) -> None:
    redis_client.set("some", "first")
    assert recent.get() == "first"
    redis_client.set("some", "second")
    assert (recent.get(), recent.newest(), recent.get()) == ("first", "second", "second")
    redis_client.set("some", "third")
    recent.forget()
    assert recent.get() == "third"


def test_only_what_is_not_new_is_read_beside_others(recent: Recent[str]) -> None:
    assert ageing([recent]) == [recent]
    assert recent.take("told") == "told"
    assert (ageing([recent]), recent.get()) == ([], "told")


def test_a_call_that_failed_leaves_what_is_known(recent: Recent[str]) -> None:
    recent.take("told")
    with pytest.raises(ResponseError):
        recent.take(ResponseError("WRONGTYPE"))
    assert recent.get() == "told"
