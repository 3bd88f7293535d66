"""Bytes that no record names any more: removed after the record is gone, so no link ever dangles."""

from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX
from shared.redis.scripts import Scripts
from shared.storage.base import ObjectStore


class Garbage:
    """The list of keys and prefixes whose objects must go."""

    def __init__(self, client: Client, objects: ObjectStore, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._objects = objects
        self._scripts = Scripts(client, prefix=prefix)
        self._list = self._scripts.keys("garbage")

    def add_expired_files(self, limit: int = 100) -> int:
        """Forget files that nothing has named for long and put their bytes on the list; return how many."""
        return int(self._scripts.run("files/expire_files", limit))

    def sweep(self, limit: int = 100) -> int:
        """Remove the objects of up to `limit` entries; return how many entries are done."""
        with store_errors():
            entries = self._client.zrange(self._list, 0, limit - 1)
        for entry in entries:
            self._remove(entry)
        return len(entries)

    def _remove(self, entry: str) -> None:
        if entry.endswith("/"):
            self._objects.delete_prefix(entry)
        else:
            self._objects.delete(entry)
        with store_errors():
            self._client.zrem(self._list, entry)

    def __len__(self) -> int:
        """Return how many entries wait."""
        with store_errors():
            return int(self._client.zcard(self._list))
