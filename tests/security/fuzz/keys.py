"""Keys of a service, made in its job store."""

from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.redis.client import connect
from shared.redis.scripts import Scripts


def new_key(redis_url: str, owner: str, *scopes: Scope) -> str:
    """Return the text of a new key."""
    with connect(redis_url) as client:
        return str(KeyStore(Scripts(client)).create(owner, owner=owner, scopes=frozenset(scopes))[1])
