"""Which storage goes with a job store: all hosts must name the same one, or they miss each other's pictures.

The first process that looks draws a name, and keeps it in both. Until the storage has it, the job store
keeps it for a short time only: whatever ends that process, a later one may draw another.
"""

import logging
import secrets
import time

from shared.errors import ObjectNotFound, StorageUnavailable, StoreUnavailable
from shared.network_settings import without_secrets
from shared.redis.client import Client, store_errors
from shared.redis.keys import Keys
from shared.settings import Settings, SettingsError
from shared.storage.base import INSTALLATION, ObjectStore
from shared.storage.object_store import open_storage

log = logging.getLogger("atelier.settings")

_CLAIM_SECONDS = 120  # for which a name that no storage has yet keeps others from drawing one
_PATIENCE_SECONDS = 3.0  # for another process, which has drawn the name and is about to store it


def check_identity(
    settings: Settings, client: Client, *, objects: ObjectStore | None = None, adopt: bool = False
) -> None:
    """Raise SettingsError if the job store goes with another storage; with `adopt`, take this one for it.

    `objects` is the storage where it is open already. A server or a storage that does not answer is no
    reason to end: /readyz reports it.
    """
    objects = objects or open_storage(settings)
    try:
        if adopt:
            _adopt(objects, client)
        elif not _is_same(objects, client):
            raise SettingsError(_refusal(settings))
    except (StoreUnavailable, StorageUnavailable) as error:
        log.warning("not known whether all have this storage", extra={"detail": error.whole})


def _adopt(objects: ObjectStore, client: Client) -> None:
    name = _stored(objects) or secrets.token_hex(16)
    objects.put(INSTALLATION, name.encode())
    with store_errors():
        client.set(Keys()("storage"), name)


def _is_same(objects: ObjectStore, client: Client) -> bool:
    key, stored = Keys()("storage"), _stored(objects)
    drawn = stored or secrets.token_hex(16)
    with store_errors():
        client.set(key, drawn, nx=True, ex=_CLAIM_SECONDS)
        # Read, as the answer to `set` may be of its second try, after a lost reply.
        name = client.get(key)
    if name == drawn:
        _keep(objects, client, drawn, is_stored=bool(stored))
        return True
    until = time.monotonic() + _PATIENCE_SECONDS
    while not (stored := stored or _stored(objects)) and time.monotonic() < until:
        time.sleep(0.1)
    return bool(stored == name)


def _keep(objects: ObjectStore, client: Client, name: str, *, is_stored: bool) -> None:
    """Put a name that this job store has into the storage; then it stays in both for good."""
    key = Keys()("storage")
    try:
        if not is_stored:
            objects.put(INSTALLATION, name.encode())
    except StorageUnavailable:
        with store_errors():
            if client.get(key) == name:
                client.delete(key)  # else the next start waits until the claim is over
        raise
    with store_errors():
        client.persist(key)


def _stored(objects: ObjectStore) -> str:
    """Return the name that the storage holds; "" for none."""
    try:
        return objects.get(INSTALLATION).decode("ascii", "replace")
    except ObjectNotFound:
        return ""


def _refusal(settings: Settings) -> str:
    shown = without_secrets(settings.storage)
    return (
        f"ATELIER_STORAGE_URL: {shown} is not the storage that goes with the job store of REDIS_URL, which "
        "others use: name the same one on all hosts, and see that it is mounted; where it was replaced for "
        "good, `atelier up --adopt-storage` or `atelier run api --adopt-storage`, once; with compose "
        "`docker compose run --rm api atelier run api --adopt-storage` until it is ready"
    )
