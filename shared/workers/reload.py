"""The wish that all workers look for new model versions: a number that grows with each."""

from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys


class ReloadWish:
    """Made by an operator, seen by every worker at its next heartbeat."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._key = Keys(prefix)("reload")
        self._seen = ""

    def make(self) -> None:
        """Ask all workers to take new versions into service."""
        with store_errors():
            self._client.incr(self._key)

    def is_new(self) -> bool:
        """Whether there was a wish since the last call; wishes from before the first call are old."""
        with store_errors():
            number = self._client.get(self._key) or "0"
        known, self._seen = self._seen, number
        return known not in ("", number)
