"""What networks saw in style pictures, shared by all workers: a vector a model and picture, for a week."""

from base64 import b64decode, b64encode
from contextlib import suppress

from shared.errors import StoreUnavailable
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX
from shared.redis.scripts import Scripts

TTL_MILLISECONDS = 7 * 24 * 3600 * 1000
MAX_BYTES = 16 * 1024  # of one vector; a larger one is not worth the server's memory
MAX_VECTORS = 4096


class StyleVectors:
    """A cache, and no more than that: what it does not know, or cannot keep now, is computed anew."""

    def __init__(self, client: Client, *, prefix: str = PREFIX, max_vectors: int = MAX_VECTORS) -> None:
        self._client = client
        self._scripts = Scripts(client, prefix=prefix)
        self._max_vectors = max_vectors

    def get(self, model_digest: str, file: str) -> bytes | None:
        """Return the vector that exactly these weights gave for a file, None where it is unknown."""
        with suppress(StoreUnavailable), store_errors():
            text = self._client.get(self._scripts.keys("vector", _name(model_digest, file)))
            return b64decode(text) if text else None
        return None

    def put(self, model_digest: str, file: str, vector: bytes) -> None:
        """Remember a vector, unless it is large."""
        if len(vector) <= MAX_BYTES:
            text = b64encode(vector).decode()
            with suppress(StoreUnavailable):
                name = _name(model_digest, file)
                self._scripts.run("files/put_vector", name, text, TTL_MILLISECONDS, self._max_vectors)


def _name(model_digest: str, file: str) -> str:
    return f"{model_digest}:{file}"
