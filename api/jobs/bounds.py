"""What one job may ask for beyond its fields' ranges: how large its record is, and how long it stays."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from shared.errors import FieldError, InvalidRequest
from shared.settings import Settings
from shared.specs.spec import JobSpec


def check_bounds(spec: JobSpec, settings: Settings) -> None:
    """Raise InvalidRequest if a resolved job would take too much of the job store, or for too long."""
    faults = [
        *ttl_faults(spec.ttl_seconds, settings),
        *delay_faults(spec.not_before, spec.deadline_seconds, settings),
        *size_faults(spec, record_bytes(spec), settings),
    ]
    if faults:
        raise InvalidRequest("; ".join(fault.detail for fault in faults), errors=faults)


def record_bytes(spec: JobSpec) -> int:
    """Return how many bytes a specification has in its record."""
    return len(spec.model_dump_json(exclude_none=True).encode())


def ttl_faults(ttl_seconds: int | None, settings: Settings) -> Iterator[FieldError]:
    """Yield a fault of a time to live that is longer than the operator allows."""
    most = settings.jobs.longest_ttl_seconds
    if ttl_seconds is not None and ttl_seconds > most:
        text = f"ttl_seconds is too long: what is done is kept for at most {most} s (max_ttl_seconds)"
        yield FieldError("/ttl_seconds", f"{text}; got {ttl_seconds}", "out_of_range")


def delay_faults(
    not_before: datetime | None, deadline_seconds: int | None, settings: Settings
) -> Iterator[FieldError]:
    """Yield a fault of a start that is too far ahead, or that the deadline comes before."""
    if not_before is None:
        return
    ahead, most = (not_before - datetime.now(UTC)).total_seconds(), settings.jobs.max_delay_seconds
    if ahead > most:
        text = f"not_before is too late: it may be at most {most} s ahead (max_delay_seconds)"
        yield FieldError("/not_before", f"{text}; got {ahead:.0f} s", "out_of_range")
    if deadline_seconds is not None and ahead >= deadline_seconds:
        text = f"not_before is {ahead:.0f} s ahead, and deadline_seconds ends it after {deadline_seconds} s"
        yield FieldError("/not_before", text, "out_of_range")


def size_faults(spec: JobSpec, size: int, settings: Settings) -> Iterator[FieldError]:
    """Yield a fault of the largest field of a specification whose record has too many bytes."""
    most = settings.limits.max_spec_bytes
    if size <= most:
        return
    fields = spec.model_dump(mode="json", exclude_none=True)
    largest = max(fields, key=lambda name: len(json.dumps(fields[name])))
    text = f"{largest} is too large: the job has {size} bytes as JSON, with its defaults and seeds"
    yield FieldError(f"/{largest}", f"{text}; at most {most} are allowed (max_spec_bytes)", "out_of_range")
