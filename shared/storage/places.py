"""Checks configured folders and URLs at the start: an unusable one raises an error that names the setting."""

import errno
import logging
import tempfile
from pathlib import Path

from shared.errors import OutOfDisk, StorageUnavailable
from shared.network_settings import without_secrets
from shared.private_files import close_to_others, danger_of, make_folder
from shared.settings import Settings, SettingsError
from shared.storage.base import ObjectStore
from shared.storage.local import local_folder
from shared.storage.object_store import open_storage

log = logging.getLogger("atelier.settings")

# These errors are permanent, unlike a full disk or a network failure.
_LASTING = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ELOOP}


def refuse_place(variable: str, place: object, error: OSError) -> None:
    """Raise SettingsError if the error stays until somebody changes the place or the setting."""
    if error.errno in _LASTING:
        raise _refusal(variable, place, error.strerror) from error


def _refusal(variable: str, place: object, reason: str | None) -> SettingsError:
    remedy = "make it writable for this user, or name another place"
    return SettingsError(f"{variable}: {place} cannot be written: {reason}; {remedy}")


def require_folder(variable: str, folder: Path) -> None:
    """Create a folder if it does not exist; raise SettingsError if no file can be created in it."""
    try:
        make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise _refusal(variable, folder, error.strerror) from error


def require_private_folder(variable: str, folder: Path) -> None:
    """Require a folder of this user alone; raise SettingsError where others own it or may write there."""
    require_folder(variable, folder)
    if danger := danger_of(folder):
        raise SettingsError(f"{variable}: {danger}")
    close_to_others(folder)


def check_cards(settings: Settings) -> None:
    """Raise SettingsError if the configured folder of cards cannot be read."""
    folder = settings.cards_dir
    try:
        if folder is not None:
            next(folder.iterdir(), None)
    except OSError as error:
        remedy = "make the folder, or name another place"
        raise SettingsError(
            f"ATELIER_CARDS_DIR: {folder} cannot be read: {error.strerror}; {remedy}"
        ) from error


def check_models(settings: Settings) -> None:
    """Raise SettingsError if the model store does not exist and cannot be created. It may be read-only."""
    if not settings.models.is_dir():
        require_folder("ATELIER_MODELS_DIR", settings.models)


def check_storage(settings: Settings) -> None:
    """Write to the storage; raise SettingsError if the failure is permanent.

    A full disk, or a bucket that does not respond now, does not prevent the start: /readyz reports it.
    """
    url, shown = settings.storage, without_secrets(settings.storage)
    try:
        _opened(settings).now()
    except OutOfDisk as error:
        log.warning("the storage is full", extra={"detail": error.whole})
    except StorageUnavailable as error:
        if local_folder(url) and isinstance(error.__cause__, OSError):
            raise _refusal("ATELIER_STORAGE_URL", shown, error.__cause__.strerror) from error
        if error.is_lasting:
            raise SettingsError(f"ATELIER_STORAGE_URL: {shown} cannot be used: {error.inside}") from error
        log.warning("the storage does not answer", extra={"detail": error.whole})


def _opened(settings: Settings) -> ObjectStore:
    """Open the storage; raise SettingsError for a URL of no use."""
    shown = without_secrets(settings.storage)
    try:
        return open_storage(settings)
    except ValueError as error:
        reason = str(error).replace(settings.storage, shown)
        raise SettingsError(f"ATELIER_STORAGE_URL: {shown} is no storage: {reason}") from error
