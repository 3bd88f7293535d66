"""How many jobs, attempts and deliveries have ended, and how: counted by the scripts that end them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.cards.parts import name_of

NO_CODE = "-"
_ENDED_AT = "ended_at"
_PARTS = {"job": 4, "attempt": 3, "delivery": 1, "reused": 1}  # of what is counted: how many words say which
Counts = Mapping[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers that only grow, since the installation's job store is in use."""

    jobs: Counts = field(default_factory=dict)  # by status, lane, model, and code of the error or NO_CODE
    attempts: Counts = field(default_factory=dict)  # by outcome, model, and code of the error or NO_CODE
    deliveries: Counts = field(default_factory=dict)  # tries, by the status that each gave its delivery
    reused: Counts = field(default_factory=dict)  # jobs that took over the result of an equal one, by model
    ended_at: int | None = None  # when a job ended last: milliseconds since the epoch; None before the first


def totals_from_record(record: Mapping[str, str]) -> Totals:
    """Read the hash `totals`; what a newer version counts besides is left out."""
    found: dict[str, dict[tuple[str, ...], int]] = {kind: {} for kind in _PARTS}
    for name, count in record.items():
        kind, *words = name.split(" ")
        if _PARTS.get(kind) == len(words):
            of_any_version = tuple(map(name_of, words))
            found[kind][of_any_version] = found[kind].get(of_any_version, 0) + int(count)
    ended_at = int(record[_ENDED_AT]) if _ENDED_AT in record else None
    return Totals(found["job"], found["attempt"], found["delivery"], found["reused"], ended_at)
