"""Failures by their code: how many there were, an example, and what to do about them."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.redis.client import server_time, store_errors
from shared.redis.scripts import Scripts

HOUR_MS = 3_600_000
DAY_HOURS = 24
KEPT_HOURS = 31 * DAY_HOURS  # as in shared/redis/lua/includes/moves.lua
COUNT, EXAMPLE = "failures ", "example "  # fields of a record begin so, and end with the code

_PICTURE = "the picture is at fault: send another one; a retry of the same ends in the same way"
_LOOK = "look at the example: its `error.detail` says what was wrong"
# By code, for those with which jobs fail: whether a retry of the same job may succeed, and what to do.
_ADVICE: Mapping[str, tuple[bool, str]] = {
    "corrupt_image": (False, _PICTURE),
    "unsupported_image_format": (False, _PICTURE),
    "image_too_large": (False, _PICTURE),
    "image_too_small": (False, _PICTURE),
    "too_many_frames": (False, _PICTURE),
    "file_not_found": (False, "upload the picture again, and send the job again"),
    "object_not_found": (False, "the stored picture is gone: upload it again, and send the job again"),
    "invalid_request": (False, _LOOK),
    "unknown_model": (False, "there is no such model any more: name another one"),
    "model_unavailable": (True, "bring the weights in with `atelier models pull`, then retry"),
    "model_corrupt": (True, "check the weights with `atelier models verify`, pull them again, then retry"),
    "model_card_unusable": (True, "correct the model's card (`atelier doctor` names the field), then retry"),
    "attempts_exhausted": (True, "each attempt met trouble that may pass: look at the example, then retry"),
    "out_of_memory": (True, "ask for smaller pictures, or give the workers more memory, then retry"),
    "out_of_disk": (True, "make room in the storage, then retry"),
    "storage_unavailable": (True, "retry when the storage answers again"),
    "object_damaged": (True, "the stored picture is damaged: upload it again, and send the job again"),
    "store_unavailable": (True, "retry when the job store answers again"),
    "worker_lost": (True, "workers died with it: look at their logs and memory before a retry"),
    "time_limit_exceeded": (False, "ask for less, or raise ATELIER_JOBS_HARD_LIMIT_SECONDS"),
    "deadline_exceeded": (
        True,
        "send it again with a longer `deadline_seconds`, or add workers",
    ),
    "parent_failed": (
        True,
        "retry the job that `error.detail` names, then this one, or both with one `atelier jobs retry --all`",
    ),
    "record_too_new": (True, "update the workers, then retry"),
    "internal_error": (True, "the service made a mistake: its log has the trace, by the job's id"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Jobs that failed or expired with one code."""

    code: str
    count: int
    example: str  # id of the latest of these jobs

    @property
    def is_retryable(self) -> bool:
        """Whether the same job may succeed later, unchanged."""
        return _ADVICE.get(self.code, (False, _LOOK))[0]

    @property
    def hint(self) -> str:
        """What to do about it."""
        return _ADVICE.get(self.code, (False, _LOOK))[1]


def failures_in(*records: Mapping[str, str]) -> tuple[Failure, ...]:
    """Return the failures that records count together, the most frequent first; examples of the last win."""
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    for record in records:
        for name, text in record.items():
            if name.startswith(COUNT):
                code = name.removeprefix(COUNT)
                counts[code] = counts.get(code, 0) + int(text)
            elif name.startswith(EXAMPLE):
                examples[name.removeprefix(EXAMPLE)] = text
    found = [Failure(code, count, examples.get(code, "")) for code, count in counts.items() if count > 0]
    return tuple(sorted(found, key=lambda failure: (-failure.count, failure.code)))


def read_failures(scripts: Scripts, owner: str, since_ms: int | None) -> tuple[int, tuple[Failure, ...]]:
    """Return from when on failures are counted, and how an owner's jobs failed since; a day by default.

    They are counted by the hour and kept for 31 days, so the first hour is a whole one.
    """
    latest = server_time(scripts.client) // HOUR_MS
    with store_errors():
        wanted = latest - DAY_HOURS if since_ms is None else since_ms // HOUR_MS
        first = min(latest, max(latest - KEPT_HOURS, wanted))
        pipeline = scripts.client.pipeline(transaction=False)
        for hour in range(first, latest + 1):
            pipeline.hgetall(scripts.keys("failures", owner, str(hour)))
        return first * HOUR_MS, failures_in(*pipeline.execute())
