"""What a process that forks leaves to another: the library of buckets has threads, which no fork keeps."""

import logging
import os
from collections.abc import Callable

from gevent import monkey

from shared.settings import Settings, SettingsError
from shared.storage.local import local_folder
from shared.storage.places import check_storage

log = logging.getLogger("atelier.api")

_MOST_BYTES = 65_536  # of a sentence about a storage
# Not gevent's: they need its loop, which would outlast the check, and the next fork.
_fork: Callable[[], int] = monkey.get_original("os", "fork")
_close: Callable[[int], None] = monkey.get_original("os", "close")
_waitpid: Callable[[int, int], tuple[int, int]] = monkey.get_original("os", "waitpid")


def check_storage_apart(settings: Settings) -> None:
    """Check the storage as `check_storage` does, a bucket in a process of its own; raise SettingsError."""
    if local_folder(settings.storage):
        check_storage(settings)
    else:
        check_apart(settings, check_storage)


def check_apart(settings: Settings, check: Callable[[Settings], None]) -> None:
    """Make a check in a process of its own, which ends with what it has loaded; raise SettingsError."""
    read, write = os.pipe()
    child = _fork()
    if not child:
        _check_and_exit(settings, check, write)
    _close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read(_MOST_BYTES).decode("utf-8", "replace")
    _waitpid(child, 0)
    if said:
        raise SettingsError(said)


def _check_and_exit(settings: Settings, check: Callable[[Settings], None], write: int) -> None:
    """Write what is wrong with the settings, if anything is, and end this process."""
    try:
        check(settings)
    except SettingsError as error:
        os.write(write, str(error).encode())
    except Exception:
        log.exception("a check at the start met a fault of the program")
    finally:
        os._exit(0)
