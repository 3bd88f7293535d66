"""The connection to the Redis-protocol server, and the Lua scripts that move jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any, TypeAlias

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from shared.errors import StoreUnavailable

PREFIX = "atelier:"  # of every key; with a cluster, run Atelier on one primary
SOCKET_TIMEOUT_SECONDS = 5.0
MAX_BLOCK_MILLISECONDS = 2000  # of one blocking read; stays below the socket's time-out
_REFUSALS = ("MISCONF", "OOM", "READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "BUSY", "UNKILLABLE")

# redis-py annotates its answers as unions of bytes and text, sync and async; ours are always text, sync.
Client: TypeAlias = Any


def connect(url: str, *, max_connections: int = 256) -> Client:
    """Return a client that notices dead connections and retries briefly. No connection is made yet."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        max_connections=max_connections,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=2.0,
        health_check_interval=5,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 2),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )


@contextmanager
def answering() -> Iterator[None]:
    """Turn a server that is away, or refuses to write, into StoreUnavailable."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise StoreUnavailable("the job store does not answer; try again shortly") from error
    except ResponseError as error:
        if not str(error).startswith(_REFUSALS):
            raise
        raise StoreUnavailable(f"the job store cannot write now: {str(error)[:120]}") from error
    except RedisError as error:
        raise StoreUnavailable(f"the job store failed: {type(error).__name__}") from error


class Scripts:
    """The Lua scripts by name; each runs as one atomic step on the server."""

    def __init__(self, client: Client, *, prefix: str = PREFIX, max_events: int = 1024) -> None:
        self.client = client
        self.prefix = prefix
        prelude = _read("prelude")
        head = f"local MAX_EVENTS = {int(max_events)}\n{prelude}\n"
        names = [entry.name.removesuffix(".lua") for entry in _folder().iterdir()]
        self._scripts = {
            name: client.register_script(head + _read(name)) for name in names if name != "prelude"
        }

    def run(self, name: str, *arguments: str | int | float) -> Any:
        """Run a script; raise StoreUnavailable where the server cannot carry it out."""
        with answering():
            return self._scripts[name](keys=[self.prefix], args=list(arguments))

    def key(self, *parts: str) -> str:
        """Return the name of a key."""
        return self.prefix + ":".join(parts)


def _folder() -> Any:
    return resources.files("shared") / "lua"


def _read(name: str) -> str:
    return str((_folder() / f"{name}.lua").read_text("utf-8"))
