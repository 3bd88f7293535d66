"""The connection to the Redis-protocol server, and pagination of the lists stored there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from shared.errors import StoreFull, StoreUnavailable
from shared.redis.keys import Keys
from shared.redis_url import RedisUrl, parse_redis_url
from shared.setting_groups import RedisRules

SOCKET_TIMEOUT_SECONDS = 5.0
SENTINEL_SECONDS = 0.5  # for one of them to answer
MAX_BLOCK_MILLISECONDS = 2000  # of one blocking read; stays below the socket's time-out
# The first word of an error reply, or of the cause in the error reply of a pipeline.
# UNBLOCKED: who waited at a primary that has become a replica.
_REFUSAL = re.compile(r"(^|caused error: )(NOREPLICAS|BUSY|UNKILLABLE|UNBLOCKED)\b")
_NO_WRITES = "the job store cannot write now; try again shortly"
_DISK_REFUSAL = re.compile(r"(^|caused error: )MISCONF\b")

# redis-py annotates replies as unions of bytes and text, sync and async; here they are always text, sync.
Client: TypeAlias = Any
Item = TypeVar("Item")


class _Server(redis.Redis):
    """A client that knows what replicas must have (see `shared/redis/scripts.py`)."""

    rules: RedisRules


def connect(
    url: str,
    *,
    max_connections: int = 256,
    timeout_seconds: float = SOCKET_TIMEOUT_SECONDS,
    retries: int = 2,
    rules: RedisRules | None = None,
) -> Client:
    """Return a client that detects dead connections and retries briefly. It does not connect yet.

    Behind Sentinels each new connection asks them for the primary, and so does each that has broken, or met
    a replica. Raises ValueError if the URL is none.
    """
    parsed = parse_redis_url(url)
    sockets = {"socket_timeout": timeout_seconds, "socket_connect_timeout": min(2.0, timeout_seconds)}
    options: dict[str, Any] = {
        "decode_responses": True,
        "max_connections": max_connections,
        "health_check_interval": 5,
        "retry": Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), retries),
        # A server that became a replica refuses every write; the next connection may find the primary.
        "retry_on_error": [RedisConnectionError, RedisTimeoutError, ReadOnlyError],
        **sockets,
    }
    client: Client = (
        _Server.from_pool(_pool_of_primary(parsed, options))
        if parsed.has_sentinels
        else _Server.from_url(url, **options)
    )
    client.rules = rules or RedisRules()
    return client


class _Sentinels(Sentinel):
    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return where the primary is; raise MasterNotFoundError, in words for people."""
        try:
            found: tuple[str, int] = super().discover_master(service_name)  # type: ignore[no-untyped-call]
        except (MasterNotFoundError, ResponseError) as error:
            why = f": {error}" if isinstance(error, ResponseError) else ""
            raise MasterNotFoundError(
                f"no Sentinel knows a primary with the name {service_name!r} that is up{why}"
            ) from error
        return found


def _pool_of_primary(url: RedisUrl, options: Mapping[str, Any]) -> Any:
    tls = {"ssl": True, **url.tls} if url.tls else {}
    sentinels = _Sentinels(url.hosts, sentinel_kwargs=sentinel_options(url))  # type: ignore[no-untyped-call]
    more = {"db": url.database, **tls, **url.login, **options}
    return SentinelConnectionPool(url.service, sentinels, **more)  # type: ignore[no-untyped-call]


def sentinel_options(url: RedisUrl) -> dict[str, Any]:
    """Return how Sentinels are asked: each quickly, and once, as another may know."""
    return {
        "socket_timeout": SENTINEL_SECONDS,
        "socket_connect_timeout": SENTINEL_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        **({"ssl": True, **url.tls} if url.tls else {}),
        **url.sentinel_login,
    }


@contextmanager
def store_errors() -> Iterator[None]:
    """Raise StoreUnavailable if the server is not available, StoreFull if it is full."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise StoreUnavailable(
            "the job store does not answer; try again shortly", inside=str(error)[:200]
        ) from error
    except (ReadOnlyError, MasterDownError) as error:
        raise StoreUnavailable(_NO_WRITES, inside=str(error)[:120]) from error
    except OutOfMemoryError as error:
        raise StoreFull("the job store is out of memory: its maxmemory is reached") from error
    except ResponseError as error:
        raise _refusal(error) from error
    except RedisError as error:
        raise StoreUnavailable(inside=f"{type(error).__name__}: {str(error)[:120]}") from error


def _refusal(error: ResponseError) -> Exception:
    """Return the error that clients see for a server's refusal; a programming error stays unchanged."""
    if _DISK_REFUSAL.search(str(error)):
        return StoreFull("the job store cannot write to its disk")
    if _REFUSAL.search(str(error)):
        return StoreUnavailable(_NO_WRITES, inside=str(error)[:120])
    return error


def server_time(client: Client) -> int:
    """Return the time of the scripts, in milliseconds since the epoch; raise StoreUnavailable."""
    with store_errors():
        pipeline = client.pipeline(transaction=False)
        pipeline.time()
        pipeline.hmget(Keys()("clock"), "looked", "ahead")
        (seconds, microseconds), (looked, ahead) = pipeline.execute()
    own, looked = int(seconds) * 1000 + int(microseconds) // 1000, int(looked or 0)
    return own if own >= looked else max(own + int(ahead or 0), looked)  # as in includes/records.lua


def record_of(flat: Sequence[str]) -> dict[str, str]:
    """Return the record that a script gives as a list of names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some entries of a list."""

    items: tuple[Item, ...]
    next_cursor: str | None  # pass it to get the next page; None on the last page


def newest(client: Client, key: str, *, limit: int, cursor: str | None) -> Page[str]:
    """Return the newest members of a sorted set, by score, below a cursor; raise StoreUnavailable."""
    top = f"({int(cursor)}" if cursor else "+inf"
    with store_errors():
        rows = client.zrevrangebyscore(key, top, "-inf", start=0, num=limit + 1, withscores=True)
    more = str(int(rows[limit - 1][1])) if len(rows) > limit else None
    return Page(tuple(name for name, _ in rows[:limit]), more)
