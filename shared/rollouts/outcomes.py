"""How jobs of a version ended, and how long they ran: counted by shared/redis/lua/includes/versions.lua."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.redis.client import store_errors
from shared.redis.scripts import Scripts

FAILED = "failed "  # before the code of the error, in the counts


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the jobs that named a version, or were given it by a rollout."""

    ended: Mapping[str, int]  # by status
    errors: Mapping[str, int]  # of those that failed, by code
    run_seconds: tuple[float, ...]  # of the latest that succeeded, the shortest first

    def quantile(self, share: float) -> float | None:
        """Return the time in seconds within which this share of them was done; None where none was."""
        if not self.run_seconds:
            return None
        return self.run_seconds[max(0, math.ceil(share * len(self.run_seconds)) - 1)]


def read_outcomes(scripts: Scripts, references: Sequence[str]) -> list[Outcomes]:
    """Return the outcomes of versions, each given as `name@version`, in one round trip."""
    pipeline = scripts.client.pipeline(transaction=False)
    for reference in references:
        pipeline.hgetall(scripts.keys("version", "ended", reference))
        pipeline.lrange(scripts.keys("version", "runs", reference), 0, -1)
    with store_errors():
        found = pipeline.execute()
    return [_outcomes(counts, runs) for counts, runs in zip(found[::2], found[1::2], strict=True)]


def _outcomes(counts: Mapping[str, str], runs: Sequence[str]) -> Outcomes:
    errors = {what.removeprefix(FAILED): int(n) for what, n in counts.items() if what.startswith(FAILED)}
    ended = {what: int(n) for what, n in counts.items() if not what.startswith(FAILED)}
    if errors:
        ended["failed"] = sum(errors.values())
    return Outcomes(ended, errors, tuple(sorted(int(each) / 1000 for each in runs)))
