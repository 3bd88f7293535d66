"""Rollouts on the server: which share of a model's new jobs gets another version than the current one."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared.cards.parts import VERSION_SIGN
from shared.errors import RolloutNotFound, StoreUnavailable
from shared.redis.client import server_time
from shared.redis.recent import Recent
from shared.redis.scripts import Scripts, value_of

RECENT_SECONDS = 1.0  # a process accepts jobs by what it read this long ago at most


@dataclass(frozen=True, slots=True)
class Rollout:
    """Of one model, the version that a share of its new jobs gets."""

    model: str  # its name
    version: str
    share: float  # of the jobs that name no version, above 0 and up to 1
    by: str  # the owner of the key that set it
    began_at: int  # milliseconds since the epoch, by the server's clock

    @property
    def reference(self) -> str:
        """How jobs name the version."""
        return f"{self.model}{VERSION_SIGN}{self.version}"

    def to_json(self) -> str:
        """Return it as the server has it."""
        told = {"version": self.version, "share": self.share, "by": self.by, "began_at": self.began_at}
        return json.dumps(told, separators=(",", ":"))


class RolloutStore:
    """All rollouts of an installation, one a model at most. For many threads."""

    def __init__(self, scripts: Scripts) -> None:
        self._client = scripts.client
        self._scripts = scripts
        self.known = Recent(scripts, ("HGETALL", scripts.keys("rollouts")), _rollouts, seconds=RECENT_SECONDS)

    def all(self) -> Mapping[str, Rollout]:
        """Return the rollouts by the model's name."""
        return self.known.newest()

    def recent(self) -> Mapping[str, Rollout]:
        """Return the rollouts as they were up to a second ago; raise StoreUnavailable."""
        return self.known.get()

    def begin(self, model: str, version: str, share: float, *, current: str, by: str) -> Rollout:
        """Give a share of a model's new jobs another version than `current`, or change the share.

        What was counted of both versions begins again with another version.
        """
        known = self.all().get(model)
        is_same = known is not None and known.version == version
        began_at = known.began_at if known is not None and is_same else server_time(self._client)
        rollout = Rollout(model, version, share, by, began_at)
        forgotten = [] if is_same else [f"{model}{VERSION_SIGN}{each}" for each in (version, current)]
        self._scripts.run("rollouts/set", model, rollout.to_json(), *forgotten)
        self.known.forget()
        return rollout

    def end(self, model: str) -> Rollout:
        """Give all new jobs of a model its current version again; raise RolloutNotFound."""
        known = self.all().get(model)
        removed = self._scripts.run("rollouts/set", model, "")
        self.known.forget()
        if known is None or not removed:
            raise RolloutNotFound(f"no version of {model} is rolled out: its jobs get the current one")
        return known

    def warm(self) -> frozenset[str]:
        """Return the models that rollouts need, by name and `name@version`; none while the server is away."""
        with suppress(StoreUnavailable):
            found = self.all()
            return frozenset(found) | {rollout.reference for rollout in found.values()}
        return frozenset()


def _rollouts(reply: Any) -> Mapping[str, Rollout]:
    return {model: _rollout(model, json.loads(text)) for model, text in value_of(reply).items()}


def _rollout(model: str, raw: dict[str, Any]) -> Rollout:
    """Return what `to_json` wrote; a newer process may have written more."""
    return Rollout(model, raw["version"], raw["share"], raw["by"], raw["began_at"])
