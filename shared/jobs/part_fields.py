"""Which fields of a job's record a light list reads: those that the named fields of its view need."""

from collections.abc import Collection, Mapping

from pydantic_core import from_json

from shared.jobs.record import Record

# Small ones, which are always read: whose record it is, which, and what most filters ask for.
_ALWAYS = (
    "id", "owner", "status", "lane", "schema", "type", "model", "version", "attempt", "released", "failures",
    "crashes", "sequence", "created_at", "batch", "packed",
)  # fmt: skip
_SPEC = ("spec", "parts")
_RUNS = ("history", "started_at", "completed_at", "worker", "cached_from")
# What fields of the view need besides. One that is not named here needs the whole record.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("id", "object", "type", "status", "done", "attempt", "max_attempts", "crashes"), ()),
    **dict.fromkeys(("batch_id", "created_at", "urls"), ()),
    **dict.fromkeys(("input", "metadata"), _SPEC),
    **dict.fromkeys(("attempts", "timings"), ("timings", *_RUNS)),
    "progress": ("progress", "preview"),
    "model": ("model_version", "model_digest"),
    **{name: (name,) for name in ("retried_from", "retried_as", "cached_from", "index", "custom_id")},
    **{name: (name,) for name in ("request_id", "outputs", "warnings", "error", "worker")},
    **{name: (name,) for name in ("started_at", "completed_at", "deadline_at", "expires_at")},
}
_FILTERED: Mapping[str, tuple[str, ...]] = {  # what filters need besides
    "code": ("error",),
    "worker": ("worker",),
    "model_version": ("model_version",),
    "custom_id": ("custom_id",),
    "metadata": _SPEC,
}


def record_fields(fields: Collection[str] | None, filters: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of a record's fields that fields of the view, and filters, need; () for all."""
    if fields is None or not _NEEDED.keys() >= set(fields):
        return ()
    needed = [_NEEDED[name] for name in fields] + [_FILTERED.get(name, ()) for name in filters]
    return tuple(dict.fromkeys([*_ALWAYS, *(name for names in needed for name in names)]))


def without_spec(raw: Record) -> Record:
    """Return an unpacked record without its specification, which an ended item has among all the rest."""
    if not raw:
        return raw
    kind = raw.get("type") or from_json(raw["spec"])["type"]
    return {**{name: text for name, text in raw.items() if name not in _SPEC}, "type": kind}
