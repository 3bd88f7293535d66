"""Whether the API may listen where it is to listen: beyond this machine, only if requests need a key."""

from shared.access.key import KeyText
from shared.access.store import KeyStore
from shared.access.table import KeyTable
from shared.settings import Settings, SettingsError

HOW = (
    "create a key first (`atelier keys create NAME --scope admin`, with the same job store), or name a file "
    "that holds one by ATELIER_ACCESS_BOOTSTRAP_KEY_FILE; or listen on 127.0.0.1"
)


def file_key(settings: Settings) -> KeyText | None:
    """Return the key of the bootstrap file; None without one."""
    text = settings.access.bootstrap_key.get_secret_value()
    return KeyText.read(text) if text else None


def check_exposure(settings: Settings, store: KeyStore) -> None:
    """Raise SettingsError if others reach the API and no key protects it; StoreUnavailable if unknown."""
    if settings.is_exposed and file_key(settings) is None and not store.exist():
        host = settings.reached_host
        raise SettingsError(
            f"the API would be reached at {host} and anybody could use it, as there is no API key: {HOW}"
        )


def key_table(settings: Settings, store: KeyStore) -> KeyTable:
    """Return the keys as an API process needs them: where it is exposed, no request goes without a key."""
    return KeyTable(
        store,
        file_key=file_key(settings),
        always=settings.is_exposed,
        signed_seconds=settings.access.signed_url_seconds,
    )
