"""Whether the API may listen where it is to listen: beyond this machine, only if requests need a key."""

from shared.access.key import KeyText
from shared.access.store import KeyStore
from shared.access.table import KeyTable
from shared.settings import Settings, SettingsError

HOW = (
    "create a key first (`atelier keys create NAME --scope admin`, with the same job store), or name a file "
    "that holds one by ATELIER_ACCESS_BOOTSTRAP_KEY_FILE; or name a proxy that knows its users by "
    "ATELIER_PROXY_USER_FROM; or listen on 127.0.0.1"
)
HOW_PUBLISHED = (
    "create a key first (`docker compose run --rm api atelier keys create NAME --scope admin`, then "
    "`docker compose restart api`), or name a file that holds one by BOOTSTRAP_KEY_FILE in .env; or publish "
    "the port on 127.0.0.1"
)


def file_key(settings: Settings) -> KeyText | None:
    """Return the key of the bootstrap file; None without one."""
    text = settings.access.bootstrap_key.get_secret_value()
    return KeyText.read(text) if text else None


def knows_users(settings: Settings) -> bool:
    """Whether a proxy names its users, so that nobody else is let in without a key."""
    return bool(settings.proxy.user_header)


def check_exposure(settings: Settings, store: KeyStore) -> None:
    """Raise SettingsError if others reach the API and no key protects it; StoreUnavailable if unknown."""
    is_guarded = file_key(settings) is not None or knows_users(settings)
    if settings.is_exposed and not is_guarded and not store.exist():
        host, how = settings.reached_host, HOW_PUBLISHED if settings.api.published_host else HOW
        raise SettingsError(
            f"the API would be reached at {host} and anybody could use it, as there is no API key: {how}"
        )


def key_table(settings: Settings, store: KeyStore) -> KeyTable:
    """Return the keys as an API process needs them.

    Where it is exposed, or a proxy names its users, no request goes without a key or a user.
    """
    return KeyTable(
        store,
        file_key=file_key(settings),
        always=settings.is_exposed or knows_users(settings),
        signed_seconds=settings.access.signed_url_seconds,
    )
