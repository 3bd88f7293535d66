"""Pages of lists that the server keeps by sequence, newest first."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.redis.client import Client, store_errors

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some entries of a list."""

    items: tuple[Item, ...]
    next_cursor: str | None  # hand it back for the entries after these; None on the last page


def newest(client: Client, key: str, *, limit: int, cursor: str | None) -> Page[str]:
    """Return the newest members of a sorted set, by score, below a cursor; raise StoreUnavailable."""
    top = f"({int(cursor)}" if cursor else "+inf"
    with store_errors():
        rows = client.zrevrangebyscore(key, top, "-inf", start=0, num=limit + 1, withscores=True)
    more = str(int(rows[limit - 1][1])) if len(rows) > limit else None
    return Page(tuple(name for name, _ in rows[:limit]), more)
