"""Which storage goes with a job store: all hosts must name the same one, or they miss each other's pictures.

The first process that looks draws a name, and keeps it in both.
"""

import logging
import secrets
import time

from shared.errors import ObjectNotFound, StorageUnavailable, StoreUnavailable
from shared.network_settings import without_secrets
from shared.redis.client import Client, store_errors
from shared.redis.keys import Keys
from shared.settings import Settings, SettingsError
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_storage

log = logging.getLogger("atelier.settings")

_OBJECT = "installation"
_PATIENCE_SECONDS = 3.0  # for another process, which has drawn the name and is about to store it


def check_identity(settings: Settings, client: Client, *, adopt: bool = False) -> None:
    """Raise SettingsError if the job store goes with another storage; with `adopt`, take this one for it.

    A server or a storage that does not answer is no reason to end: /readyz reports it.
    """
    objects = open_storage(settings)
    try:
        if not _is_same(objects, client, adopt=adopt):
            raise SettingsError(_refusal(settings))
    except (StoreUnavailable, StorageUnavailable) as error:
        log.warning("not known whether all have this storage", extra={"detail": error.whole})


def _is_same(objects: ObjectStore, client: Client, *, adopt: bool) -> bool:
    drawn = _stored(objects) or secrets.token_hex(16)
    with store_errors():
        is_ours = bool(client.set(Keys()("storage"), drawn, nx=not adopt))
        name = client.get(Keys()("storage"))
    if is_ours:
        objects.put(_OBJECT, drawn.encode())
    until = time.monotonic() + _PATIENCE_SECONDS
    while not (stored := _stored(objects)) and time.monotonic() < until:
        time.sleep(0.1)
    return bool(stored == name)


def _stored(objects: ObjectStore) -> str:
    """Return the name that the storage holds; "" for none."""
    try:
        return objects.get(_OBJECT).decode("ascii", "replace")
    except ObjectNotFound:
        return ""


def _refusal(settings: Settings) -> str:
    shown = without_secrets(settings.storage)
    return (
        f"ATELIER_STORAGE_URL: {shown} is not the storage that goes with the job store of REDIS_URL, which "
        "others use: name the same one on all hosts, and see that it is mounted; where it was replaced for "
        "good, start once with --adopt-storage"
    )
