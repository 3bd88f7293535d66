"""What a process that forks leaves to another: the library of buckets has threads, which no fork keeps."""

import os

from shared.settings import Settings, SettingsError
from shared.storage.local import local_folder
from shared.storage.places import check_storage

_MOST_BYTES = 65_536  # of a sentence about a storage


def check_storage_apart(settings: Settings) -> None:
    """Check the storage as `check_storage` does, a bucket in a process of its own; raise SettingsError."""
    if local_folder(settings.storage):
        check_storage(settings)
        return
    read, write = os.pipe()
    child = os.fork()
    if not child:
        _check_and_exit(settings, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read(_MOST_BYTES).decode("utf-8", "replace")
    os.waitpid(child, 0)
    if said:
        raise SettingsError(said)


def _check_and_exit(settings: Settings, write: int) -> None:
    """Write what is wrong, if anything is, and end this process."""
    try:
        check_storage(settings)
    except SettingsError as error:
        os.write(write, str(error).encode())
    finally:
        os._exit(0)
