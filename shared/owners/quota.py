"""Quotas: how much an owner may have. The scripts that accept and claim work keep them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from shared.errors import QuotaExceeded, QuotaUse
from shared.redis.client import record_of
from shared.redis.scripts import Scripts
from shared.setting_groups import QuotaRules

NO_QUOTAS = QuotaRules()
QUOTAS = tuple(QuotaRules.model_fields)  # their names
WEIGHT, MOST_WEIGHT = "weight", 100  # kept with the limits

_WORDS = {
    "queued": ("jobs may wait", "wait"),
    "stored_bytes": ("bytes may be stored", "are stored or promised to jobs"),
    "daily_pixels": ("pixels may be asked for on one day (UTC)", "were asked for today"),
}


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of an owner, and what it has. Each mapping is by the names of QUOTAS."""

    own: Mapping[str, int]  # limits that were set for this owner; 0: none
    limits: Mapping[str, int]  # what holds: its own limits, else the defaults; 0: none
    used: Mapping[str, int]
    weight: int = 1  # turns that it has where an owner of weight 1 has one, while work of both waits
    own_weight: int | None = None  # what was set for this owner


class QuotaStore:
    """The quotas of all owners. What one of them does not say is as the settings have it."""

    def __init__(self, scripts: Scripts, defaults: QuotaRules) -> None:
        self._scripts = scripts
        self._rules = defaults
        self.defaults = defaults.model_dump_json()  # as scripts take them

    def check(self, owner: str, **asked: int) -> None:
        """Raise QuotaExceeded if an owner may not have so much more now; it is not kept for it."""
        refusal = self._scripts.run("owners/check", owner, json.dumps(asked), self.defaults)
        if refusal:
            raise quota_exceeded(*refusal[1:])

    def read(self, owner: str) -> Quota:
        """Return an owner's quota; of an owner that nobody knows too."""
        own, used = (record_of(flat) for flat in self._scripts.run("owners/read", owner))
        limits = {name: int(text) for name, text in own.items() if name in QUOTAS}
        return Quota(
            limits,
            {**self._rules.model_dump(), **limits},
            {name: int(used[name]) for name in QUOTAS},
            weight=int(own.get(WEIGHT, 1)),
            own_weight=int(own[WEIGHT]) if WEIGHT in own else None,
        )

    def set(self, owner: str, limits: Mapping[str, int | None]) -> None:
        """Set limits of an owner; 0 for none, None to go by the settings again. Others stay.

        `weight` is set like a limit: 1 to MOST_WEIGHT.
        """
        pairs = ((name, "" if limit is None else limit) for name, limit in limits.items())
        self._scripts.run("owners/set_quota", owner, *chain.from_iterable(pairs))


def quota_exceeded(name: str, limit: int, used: int, asked: int, pause_ms: int) -> QuotaExceeded:
    """Return the error for a refusal by a script; a pause below 0 says that time alone does not help."""
    may, do = _WORDS[name]
    detail = f"the quota is spent: {limit:,} {may} ({name}), {used:,} {do}, and this asks for {asked:,} more"
    seconds = None if pause_ms < 0 else -(-pause_ms // 1000)
    return QuotaExceeded(detail, use=QuotaUse(name, limit, used, asked), retry_after_seconds=seconds)
