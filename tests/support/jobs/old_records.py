"""All keys of a server as an older Atelier left them, kept as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path

from shared.redis.client import Client

FOLDER = Path(__file__).parents[2] / "shared" / "records"


def load(client: Client, schema: int) -> Mapping[str, str]:
    """Write the keys into an empty server; return the jobs' ids by what is special about them.

    `running` lost its first worker and is held by a second one, `queued` waits in the bulk lane.
    """
    kept = json.loads((FOLDER / f"schema_{schema}.json").read_text("utf-8"))
    for key, entry in kept["keys"].items():
        _WRITERS[entry["type"]](client, key, entry["value"])
    jobs: dict[str, str] = kept["jobs"]
    return jobs


def _write_stream(client: Client, key: str, entries: list[tuple[str, dict[str, str]]]) -> None:
    for entry_id, fields in entries:
        client.xadd(key, fields, id=entry_id)


_WRITERS = {
    "hash": lambda client, key, value: client.hset(key, mapping=value),
    "set": lambda client, key, value: client.sadd(key, *value),
    "zset": lambda client, key, value: client.zadd(key, dict(value)),
    "string": lambda client, key, value: client.set(key, value),
    "stream": _write_stream,
}
