"""Checks of the server that REDIS_URL names, or of the embedded one."""

import os

import redis

from atelier.doctor import Finding, fail, ok, warn
from atelier.local.redis_server import memory_of, names_server
from atelier.local.state_folder import read_running
from shared.errors import AtelierError, StoreUnavailable
from shared.redis.client import Client, connect
from shared.redis.keys import Keys
from shared.redis.memory_guard import StoreMemory, read_memory
from shared.redis.permissions import missing_permissions
from shared.redis.server_check import server_fault, server_name
from shared.redis_url import parse_redis_url
from shared.setting_groups import MEBIBYTE
from shared.settings import Settings


def check_server(settings: Settings) -> list[Finding]:
    """Ask the server that REDIS_URL names whether it keeps what it accepts."""
    if not names_server(os.environ):
        return [
            ok("server", "REDIS_URL is not set: `atelier up` runs the embedded server"),
            _check_own_memory(settings),
        ]
    try:
        with connect(settings.redis_url) as client:
            if lacking := missing_permissions(client):
                return [_may_not(lacking)]
            if fault := server_fault(client):
                return [fail("server", fault, "name another in REDIS_URL")]
            return [
                ok("server", f"answers, {server_name(client)}"),
                *_check_settings(client),
                _check_memory(read_memory(client), settings),
                *_check_replicas(client, settings),
                *_check_clock(client),
            ]
    except (redis.RedisError, StoreUnavailable) as error:
        remedy = "start it, or correct REDIS_URL; without REDIS_URL an embedded server is used"
        return [fail("server", f"REDIS_URL does not answer: {error}", remedy)]


def _may_not(lacking: list[str]) -> Finding:
    text = f"the server's user lacks {' '.join(lacking)}"
    return fail("server permissions", text, "`ACL SETUSER` with the rules in docs/server.md")


def _check_replicas(client: Client, settings: Settings) -> list[Finding]:
    """Compare the replicas that must have a job with those that there are."""
    there, wanted = int(client.info("replication").get("connected_slaves", 0)), settings.redis.replicas
    if there < wanted:
        text = (
            f"{there} of the {wanted} replicas of ATELIER_REDIS_REPLICAS are connected: new jobs are refused"
        )
        return [fail("server replicas", text, "start them, or lower ATELIER_REDIS_REPLICAS")]
    if not wanted and parse_redis_url(settings.redis_url).has_sentinels:
        text = f"{there} connected, and none has to have a job: a failover may lose what was accepted last"
        return [warn("server replicas", text, "set ATELIER_REDIS_REPLICAS=1")]
    return [ok("server replicas", f"{there} connected, {wanted} must have a job")] if wanted else []


def _check_clock(client: Client) -> list[Finding]:
    ahead = int(client.hget(Keys()("clock"), "ahead") or 0) / 1000
    if not ahead:
        return []
    text = f"time is {ahead:,.0f} s ahead of this server's clock, as that of an earlier primary was"
    return [warn("server clock", text, "set the clocks of the servers (docs/server.md)")]


def _check_own_memory(settings: Settings) -> Finding:
    """Check the embedded server's memory where it runs; else say what it will get."""
    running = read_running(settings.state_dir.absolute())
    if running is None:
        most = memory_of(settings.store) / MEBIBYTE
        return ok("server memory", f"`atelier up` gives it {most:,.0f} MiB (ATELIER_STORE_MEMORY_MEBIBYTES)")
    try:
        with connect(running.redis_url) as client:
            return _check_memory(read_memory(client), settings)
    except (redis.RedisError, AtelierError) as error:
        return warn("server memory", f"the embedded server does not answer: {error}", "look into its log")


def _check_memory(memory: StoreMemory, settings: Settings) -> Finding:
    if not memory.most:
        remedy = "set maxmemory, so that new work is refused before the machine's memory is used up"
        return warn("server memory", f"{memory.text()}, and maxmemory sets no limit", remedy)
    if memory.used * 100 > memory.most * settings.store.full_percent:
        remedy = "delete finished jobs (`atelier jobs delete`), or raise maxmemory"
        return fail("server memory", f"{memory.text()}: new jobs are refused", remedy)
    return ok("server memory", memory.text())


def _check_settings(client: Client) -> list[Finding]:
    try:
        settings = {**client.config_get("appendonly"), **client.config_get("maxmemory-policy")}
    except redis.ResponseError:
        remedy = "see that it persists every write and never evicts keys"
        return [warn("server settings", "the server does not tell its settings", remedy)]
    return [
        _check_durability(settings.get("appendonly") or ""),
        _check_eviction(settings.get("maxmemory-policy") or ""),
    ]


def _check_durability(appendonly: str) -> Finding:
    if appendonly == "yes":
        return ok("server durability", "appendonly is on")
    remedy = "`CONFIG SET appendonly yes`, and set it in the server's configuration"
    return warn("server durability", "appendonly is off: a restart of the server loses accepted jobs", remedy)


def _check_eviction(policy: str) -> Finding:
    if policy == "noeviction":
        return ok("server eviction", "maxmemory-policy is noeviction")
    remedy = "`CONFIG SET maxmemory-policy noeviction`, and set it in the server's configuration"
    return fail("server eviction", f"maxmemory-policy is {policy or 'unknown'}: jobs may vanish", remedy)
