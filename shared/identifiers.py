"""Identifiers of jobs, batches, files and owners."""

import hashlib
import re

from uuid6 import uuid7

ANONYMOUS = "anonymous"  # the owner of what is made without an API key
# Python reads these by `fullmatch`: its `$` also matches before a line end.
JOB_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
BATCH_ID = r"^batch_[0-9a-f]{32}$"
ACTION_ID = r"^action_[0-9a-f]{32}$"
# The batch's digits, the item's index, the number of its retry.
ITEM_ID = r"^job_([0-9a-f]{32})-[0-9]+(-[0-9]+)?$"
FILE_ID = r"^file_[0-9a-f]{64}$"


def new_job_id() -> str:
    """Return a new job id; ids sort by time of creation."""
    return f"job_{uuid7().hex}"


def is_job_id(text: str) -> bool:
    """Whether a client may use this text as a job's id."""
    return re.fullmatch(JOB_ID, text) is not None and batch_of(text) is None


def new_batch_id() -> str:
    """Return a new batch id; ids sort by time of creation."""
    return f"batch_{uuid7().hex}"


def new_pause_id() -> str:
    """Return a new pause id; ids sort by time of creation."""
    return f"pause_{uuid7().hex}"


def new_action_id() -> str:
    """Return a new id of a bulk action; ids sort by time of creation."""
    return f"action_{uuid7().hex}"


def batch_of(job_id: str) -> str | None:
    """Return the batch id that is part of an item's id; None for other jobs."""
    found = re.fullmatch(ITEM_ID, job_id)
    return f"batch_{found[1]}" if found else None


def next_try(item_id: str) -> str:
    """Return the id of the next retry of an item."""
    batch, index, *tries = item_id.split("-")
    return f"{batch}-{index}-{int(tries[0]) + 1 if tries else 1}"


def sha256(data: bytes) -> str:
    """Return the hex digest that identifies content."""
    return hashlib.sha256(data).hexdigest()


def file_id(digest: str) -> str:
    """Return the id of the file whose bytes have this sha256."""
    return f"file_{digest}"
