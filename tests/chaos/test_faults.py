"""Faults end, whatever happens while they begin."""

from types import SimpleNamespace
from typing import cast

import redis

from shared.redis.client import Client
from tests.chaos import faults as module
from tests.chaos.cluster import Cluster
from tests.chaos.faults import Faults
from tests.chaos.plan import Fault


class LostAnswers:
    """A server that takes a setting, but whose answer to the first ones is lost."""

    def __init__(self, client: Client, lost: int) -> None:
        self._client, self._lost = client, lost

    def config_set(self, name: str, value: str) -> None:
        self._client.config_set(name, value)
        self._lost -= 1
        if self._lost >= 0:
            raise redis.TimeoutError


def test_a_server_has_its_memory_back_where_the_answer_was_lost(redis_client: Client) -> None:
    server = LostAnswers(redis_client, lost=1 + int(module.QUICK_SECONDS / 0.1))
    cluster = cast(Cluster, SimpleNamespace(server=server, stack=None, group=None))
    faults = Faults(cluster)
    faults.strike(Fault(at=0, kind="server_full", target="redis", seconds=0))
    faults.settle()
    faults.close()
    assert (faults.misses, faults.strikes) == (1, [])
    assert redis_client.config_get("maxmemory") == {"maxmemory": "0"}
