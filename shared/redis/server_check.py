"""Whether a server can be used at all: what it is, and how old. Changes nothing there."""

import re

from redis.exceptions import NoPermissionError

from shared.errors import StoreUnavailable
from shared.redis.client import Client, store_errors
from shared.settings import SettingsError

LEAST_VERSION = (7, 0)  # scripts say there what they may do; every Valkey calls itself 7.2 or newer here
_NUMBERS = re.compile(r"\d+")
_CLUSTER = (
    "REDIS_URL names a server in cluster mode, which Atelier does not use: all its keys belong to one "
    "primary; name a server with cluster-enabled no, or Sentinels (sentinel://)"
)
_SENTINEL = (
    "REDIS_URL names a Sentinel as if it were the server: begin it with sentinel:// in place of redis://, "
    "and end it with ?service= and the name that the Sentinels watch"
)


def check_server(client: Client) -> None:
    """Raise SettingsError if the server that REDIS_URL names can never do.

    One that does not answer now, or does not say what it is, may do.
    """
    try:
        fault = server_fault(client)
    except StoreUnavailable:
        return
    if fault:
        raise SettingsError(fault)


def server_fault(client: Client) -> str:
    """Return in one sentence why the server can never do; "" where it does. Raises StoreUnavailable."""
    try:
        with store_errors():
            told = client.info("server")
    except NoPermissionError:
        return ""
    mode = str(told.get("redis_mode") or told.get("server_mode"))  # of Redis, of Valkey
    return {"cluster": _CLUSTER, "sentinel": _SENTINEL}.get(mode, "") or _fault_of_version(
        str(told.get("redis_version", ""))
    )


def _fault_of_version(version: str) -> str:
    numbers = tuple(int(number) for number in _NUMBERS.findall(version)[:2])
    if not numbers or numbers >= LEAST_VERSION:
        return ""
    return f"REDIS_URL names a server of version {version}: Atelier needs Redis 7.0 or newer, or any Valkey"


def server_name(client: Client) -> str:
    """Return what the server calls itself, for people: "Valkey 9.1.2"; raise StoreUnavailable."""
    with store_errors():
        told = client.info("server")
    if "valkey_version" in told:
        return f"Valkey {told['valkey_version']}"
    return f"Redis {told.get('redis_version', '?')}"
