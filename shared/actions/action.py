"""A bulk action as the rest of the program sees it, and the draft that begins one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from shared.jobs.job import Job
from shared.jobs.listing import JobFilter
from shared.jobs.moving import NOWHERE, Move
from shared.jobs.status import Status
from shared.jobs.submission import to_text


class Deed(StrEnum):
    """What is done with each job."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    MOVE = "move"


_UNFINISHED = frozenset({Status.QUEUED, Status.RUNNING})
ALLOWED: Mapping[Deed, frozenset[Status]] = {  # statuses of jobs with which it can be done
    Deed.CANCEL: _UNFINISHED,
    Deed.RETRY: frozenset({Status.FAILED, Status.CANCELED, Status.EXPIRED}),
    Deed.DELETE: frozenset(Status) - _UNFINISHED,
    Deed.MOVE: frozenset({Status.QUEUED}),
}
OF_ITEMS = (Deed.CANCEL, Deed.RETRY)  # the others are done with a whole batch


class ActionStatus(StrEnum):
    """The status of an action. The last two are final."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class ActionDraft:
    """An action to begin."""

    id: str
    owner: str  # who asks for it
    of: str  # the owner of the jobs
    deed: Deed
    only: JobFilter
    items: bool  # whether items of batches are among the jobs
    asked: Mapping[str, Any]  # the filter as it was sent
    fingerprint: str  # digest of the request as sent: the same key must come with the same request
    move: Move = NOWHERE
    dry_run: bool = False
    idempotency_key: str = ""
    webhook: str = ""  # the result of `webhook_record`; "" for no webhook

    def record(self) -> dict[str, str]:
        """Return the initial fields of the action's record."""
        to, lane = self.move.arguments
        record = {
            "of": self.of,
            "do": str(self.deed),
            "only": to_text({name: getattr(self.only, name) for name in self.only.given}),
            "items": str(int(self.items)),
            "asked": to_text(self.asked),
            "dry_run": str(int(self.dry_run)),
        }
        optional = {"to": to, "lane": lane, "only_status": self.only.status or "", "webhook": self.webhook}
        return record | {name: text for name, text in optional.items() if text}


@dataclass(frozen=True, slots=True)
class Action:
    """One bulk action, as read from the store. Times are milliseconds of the server's clock."""

    id: str
    owner: str
    of: str
    deed: Deed
    move: Move
    only: JobFilter
    items: bool
    asked: Mapping[str, Any]
    dry_run: bool
    status: ActionStatus
    cursor: str  # the jobs below it were not looked at yet; "" where none is left
    limit: int  # the number of the first job that was accepted too late
    matched: int  # jobs that were found
    done: int
    skipped: Mapping[str, int]  # by reason: it did not apply any more
    failed: Mapping[str, int]  # by error code: it was refused
    created_at: int
    completed_at: int | None
    expires_at: int | None

    def means(self, job: Job) -> bool:
        """Whether an admitted job is to be acted on: it was there, and its status allows the deed."""
        is_old = job.batch_id is None or job.created_at < self.created_at
        return is_old and job.status in ALLOWED[self.deed]

    @property
    def fraction(self) -> float:
        """How much of it is done, about, from 0 to 1."""
        looked = 1 - int(self.cursor.partition(".")[0]) / self.limit if self.cursor else 1.0
        ended = self.done + sum(self.skipped.values()) + sum(self.failed.values())
        share = ended / self.matched if self.matched and not self.dry_run else 1.0
        return round(looked * share, 3)


def action_from_record(raw: Mapping[str, str]) -> Action:
    """Build an Action from the fields of its hash."""
    return Action(
        id=raw["id"],
        owner=raw["owner"],
        of=raw["of"],
        deed=Deed(raw["do"]),
        move=Move.of(raw.get("to"), raw.get("lane")),
        only=_filter(json.loads(raw["only"])),
        items=raw["items"] == "1",
        asked=json.loads(raw["asked"]),
        dry_run=raw["dry_run"] == "1",
        status=ActionStatus(raw["status"]),
        cursor=raw["cursor"],
        limit=int(raw["limit"]),
        matched=int(raw["matched"]),
        done=int(raw["done"]),
        skipped=_counts(raw, "skipped "),
        failed=_counts(raw, "failed "),
        created_at=int(raw["created_at"]),
        completed_at=_time(raw, "completed_at"),
        expires_at=_time(raw, "expires_at"),
    )


def _filter(fields: Mapping[str, Any]) -> JobFilter:
    only = JobFilter(**fields)
    status, pair = only.status, only.metadata
    return replace(only, status=status and Status(status), metadata=pair and (pair[0], pair[1]))


def _counts(raw: Mapping[str, str], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(raw[name]) for name in sorted(raw) if name.startswith(prefix)}


def _time(raw: Mapping[str, str], name: str) -> int | None:
    return int(raw[name]) if name in raw else None
