"""Reads a job's record from Redis, in the current or an older schema, into a Job."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from shared.cards.parts import VERSION_SIGN
from shared.errors import RecordTooNew
from shared.jobs.job import EndedAttempt, Job, Progress, StoredOutput
from shared.jobs.status import Outcome, Status
from shared.specs.parts import EXACT, FAST, Lane, Precision
from shared.specs.spec import JOB_SPEC, SPECS, JobSpec
from shared.specs.stylize import NATIVE
from shared.specs.webhook import EVENT_BODY

RECORD_SCHEMA = 7  # the newest schema that this program writes and reads
_PLAIN_SCHEMA = 4  # of what has nothing new: older workers run it as well
_OUTPUT_SCHEMA = 5  # of what asks for something of outputs, of recipes, or of other jobs' outputs
_UPSAMPLE_SCHEMA = 6  # of what says `upsample` or a precision
PART = "part:"  # with a digest, the name under which a reader adds a part of the specification to a record

Record = Mapping[str, str]  # the fields of a job's hash

_ZEROS = dict.fromkeys(("released", "failures", "crashes", "sequence", "index"), "0")


def job_from_record(raw: Record) -> Job:
    """Build a Job from a record of any schema up to this program's; raise RecordTooNew for a newer one.

    The record of an item has the parts of its specification beside it, as `whole_records` adds them. One that
    was read in part (`shared/jobs/reading.py`) makes a Job that lacks the rest.
    """
    raw = upgraded(_joined(unpacked(raw)))
    progress = _document(raw, "progress")
    return Job(
        id=raw["id"],
        owner=raw["owner"],
        status=Status(raw["status"]),
        lane=Lane(raw["lane"]),
        spec=_spec(raw),
        inputs=_document(raw, "inputs") or {},
        version=int(raw["version"]),
        attempt=int(raw["attempt"]),
        released=int(raw["released"]),
        failures=int(raw["failures"]),
        crashes=int(raw["crashes"]),
        sequence=int(raw["sequence"]),
        created_at=int(raw["created_at"]),
        not_before=int(raw.get("not_before") or raw["created_at"]),
        deadline_at=_number(raw, "deadline_at"),
        started_at=_number(raw, "started_at"),
        completed_at=_number(raw, "completed_at"),
        expires_at=_number(raw, "expires_at"),
        pinned_at=_number(raw, "pinned_at"),
        worker=raw.get("worker") or None,
        progress=Progress(**{"preview": raw.get("preview"), **progress}) if progress else None,
        outputs=tuple(StoredOutput(**item) for item in _document(raw, "outputs") or []),
        warnings=tuple(_document(raw, "warnings") or ()),
        error=_document(raw, "error"),
        timings=_document(raw, "timings") or {},
        model_version=raw.get("model_version") or None,
        model_digest=raw.get("model_digest") or None,
        numerics=raw.get("numerics"),
        precision=_precision(raw),
        retried_from=raw.get("retried_from") or None,
        webhook=raw.get("webhook"),
        retried_as=raw.get("retried_as"),
        cached_from=raw.get("cached_from"),
        batch_id=raw.get("batch"),
        index=_number(raw, "index"),
        custom_id=raw.get("custom_id"),
        request_id=raw.get("request_id"),
        trace=raw.get("trace", ""),
        history=_history(raw),
        parents={name: job_id for name, job_id in _document(raw, "parents") or ()},
        source=raw.get("source"),
        style_label=raw.get("style_label"),
        delivery=_document(raw, "delivery"),
    )


def _precision(raw: Record) -> Precision | None:
    """Return the precision of a result: of most it is exact, and not said."""
    if "numerics" not in raw:
        return None
    return FAST if raw.get("precision") == FAST else EXACT


def _spec(raw: Record) -> JobSpec:
    """Return the specification; one with type and model alone where the record was read without it."""
    if "spec" in raw:
        return _with_webhook_body(JOB_SPEC.validate_json(raw["spec"]), raw.get("webhook", ""))
    kind = raw["type"]
    return SPECS[kind].model_construct(type=kind, model=raw["model"] or None)


def _with_webhook_body(spec: JobSpec, webhook: str) -> JobSpec:
    """Return the specification with what its webhook is sent, where the record says that."""
    if spec.webhook is None or '"body":' not in webhook:
        return spec
    told = spec.webhook.model_copy(update={"body": json.loads(webhook).get("body", EVENT_BODY)})
    return spec.model_copy(update={"webhook": told})


def unpacked(raw: Record) -> Record:
    """Return a record with all fields: an ended item packs most fields into one and leaves out zeros."""
    if "packed" not in raw:
        return raw
    return {**_ZEROS, **json.loads(raw["packed"]), **raw, "packed": "{}"}  # marks it as one that was packed


def _joined(raw: Record) -> Record:
    """Return a record whose specification has the parts that its batch keeps, of a newer schema unchanged."""
    digests = raw.get("parts", "").split()
    if not digests or int(raw["schema"]) > RECORD_SCHEMA:
        return raw
    texts = [raw["spec"], *(raw[PART + digest] for digest in digests)]
    return {**raw, "spec": f"{{{','.join(text[1:-1] for text in texts)}}}"}


def schema_of(spec: JobSpec) -> str:
    """Return the schema of a new job's record, as records have it: no newer one than its readers need."""
    if VERSION_SIGN in (spec.model or ""):
        return str(RECORD_SCHEMA)
    if getattr(spec, "upsample", None) is not None or spec.says_precision:
        return str(_UPSAMPLE_SCHEMA)
    has_new = spec.recipe is not None or spec.named_outputs
    return str(_PLAIN_SCHEMA if spec.output.is_plain and not has_new else _OUTPUT_SCHEMA)


def outputs_to_json(outputs: tuple[StoredOutput, ...]) -> str:
    """Return the text that the record stores for the outputs."""
    return json.dumps([asdict(output) for output in outputs], separators=(",", ":"))


def upgraded(raw: Record) -> Record:
    """Convert a record to the current schema.

    The stored record keeps its schema, so that an older worker can still run the job. For this reason the
    scripts do not need the fields that a later schema added.
    """
    schema = int(raw["schema"])
    if schema > RECORD_SCHEMA:
        text = f"the job {raw['id']} has a record written by a newer Atelier (schema {schema})"
        raise RecordTooNew(f"{text}; this one reads up to schema {RECORD_SCHEMA}")
    for older in range(schema, RECORD_SCHEMA):
        raw = _UPGRADES[older](raw)
    return raw


def _with_history_and_deadline(raw: Record) -> Record:
    return {"history": "[]", "deadline_at": "", **raw, "schema": "2"}


def _with_stroke(raw: Record) -> Record:
    """Add the old default to a stylization without a stroke: it was painted at its native size."""
    spec = json.loads(raw.get("spec", '{"type": ""}'))
    if spec["type"] == "stylize" and spec.get("stroke") is None:
        raw = {**raw, "spec": json.dumps({**spec, "stroke": NATIVE})}
    return {**raw, "schema": "3"}


def _with_parts(raw: Record) -> Record:
    """Older records have their specification in one piece."""
    return {**raw, "schema": "4"}


def _with_output(raw: Record) -> Record:
    """Older records ask for nothing that came later: of outputs, of recipes, of other jobs' outputs."""
    return {**raw, "schema": "5"}


def _with_upsample(raw: Record) -> Record:
    """Older records say nothing of `upsample` or `precision`: they have what holds without a word."""
    return {**raw, "schema": "6"}


def _with_model_version(raw: Record) -> Record:
    """Older records name their model without its version."""
    return {**raw, "schema": "7"}


# The upgrade from each schema to the next.
_UPGRADES: dict[int, Callable[[Record], Record]] = {
    1: _with_history_and_deadline,
    2: _with_stroke,
    3: _with_parts,
    4: _with_output,
    5: _with_upsample,
    6: _with_model_version,
}


def _number(raw: Record, name: str) -> int | None:
    return int(raw[name]) if raw.get(name) else None


def _document(raw: Record, name: str) -> Any:
    return json.loads(raw[name]) if raw.get(name) else None


def _history(raw: Record) -> tuple[EndedAttempt, ...]:
    """Return the ended attempts; for an item that succeeded at once, build the attempt from other fields."""
    ended = tuple(_ended(item) for item in _document(raw, "history") or [])
    if ended or "packed" not in raw or raw["status"] != Status.SUCCEEDED or "cached_from" in raw:
        return ended
    started, completed = int(raw["started_at"]), int(raw["completed_at"])
    return (EndedAttempt(int(raw["attempt"]), raw["worker"], started, completed, Outcome.SUCCEEDED),)


def _ended(item: dict[str, Any]) -> EndedAttempt:
    return EndedAttempt(**{**item, "outcome": Outcome(item["outcome"])})
