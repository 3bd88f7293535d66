"""The data that a job submission needs, its result, and the rule for equal jobs."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.cards.card import load_catalog
from shared.cards.parts import name_of
from shared.errors import AtelierError, ChainTooLong, FieldError, FileNotFound, JobNotFound
from shared.identifiers import sha256
from shared.jobs.job import Job
from shared.jobs.record import schema_of
from shared.setting_groups import JobRules
from shared.specs.parts import EXACT, output_in
from shared.specs.results import Results
from shared.specs.spec import JobSpec
from shared.workers import NO_DOORBELL, Doorbell, WorkerRoster

NOTHING = Results()
MOST_CHILDREN, MOST_DEPTH = 10_000, 16  # as in shared/redis/lua/includes/chains.lua
IMMATERIAL = frozenset({"lane", "ttl_seconds", "deadline_seconds", "metadata", "webhook", "cache", "recipe"})


def print_of(spec: JobSpec) -> str:
    """Return a digest that equal resolved specifications share: model, parameters, seeds, file contents."""
    fields = spec.model_dump(mode="json", exclude=set(IMMATERIAL))
    if fields.get("precision") == EXACT:
        del fields["precision"]  # as where it is not said
    for style in fields.get("styles", ()):
        if style["image"] is not None:
            style["name"] = None  # the picture counts, not its name
    if spec.further_models:  # the result names its own model's version alone
        catalog = load_catalog()
        fields["versions"] = [catalog.get(name).version for name in spec.further_models.values()]
    return sha256(json.dumps(fields, sort_keys=True).encode())[:32]


def reuse_fields(spec: JobSpec) -> dict[str, str]:
    """Return the record fields of a job that may reuse a result, and whose result may be reused."""
    if not spec.cache:
        return {}
    outputs = spec.named_outputs
    if not outputs:
        return {"reuse": print_of(spec)}
    # What is equal is known when the bytes of the outputs are: the scripts then make `reuse` of both.
    return {"reuse_base": print_of(spec.with_files({name: str(i) for i, name in enumerate(outputs)}))}


def served_digests(roster: WorkerRoster, wanted: Collection[str]) -> dict[str, str]:
    """Return by what the models that jobs with `cache` request make results, by name: digest and numerics.

    In the form of `made_by` in includes/result_cache.lua. A model is left out if no live worker has it, or if
    live workers have different versions of it or are of different numerics.
    """
    if not wanted:
        return {}
    found: dict[str, set[str]] = {}
    for worker in roster.live():
        for model in worker.models:
            made_by = f"{model.digest} {worker.numerics}".rstrip()
            for name in {model.name, f"{name_of(model.name)}@{model.version}"}:
                found.setdefault(name, set()).add(made_by)
    return {
        name: next(iter(digests)) for name, digests in found.items() if len(digests) == 1 and name in wanted
    }


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds, the unit of every time in the store."""
    return int(seconds * 1000)


def milliseconds_of(moment: datetime | None) -> str:
    """Return a time as records have it, in milliseconds since the epoch; "" for none."""
    return "" if moment is None else str(milliseconds(moment.timestamp()))


def expected_fields(results: Results) -> dict[str, str]:
    """Return the record fields of what a job is expected to make: its owner's quota has it until the end."""
    expected = {"pixels": results.pixels, "expected_bytes": results.bytes}
    return {name: str(number) for name, number in expected.items() if number}


def to_text(value: Any) -> str:
    """Return compact JSON, the form of every document in the store."""
    return json.dumps(value, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Submission:
    """A validated, resolved request for a job."""

    id: str
    owner: str
    spec: JobSpec
    fingerprint: str  # digest of the request as sent: the same key must come with the same request
    idempotency_key: str = ""
    retried_from: str = ""
    webhook: str = ""  # the result of `webhook_record`; "" for no webhook
    work: str = ""  # the result of `work_of`; "" if unknown
    request_id: str = ""  # of the HTTP request, as the API's log has it
    trace: str = ""  # of the same, as text of a TraceContext; "" for none
    key: str = ""  # id of the API key; "" if none was needed
    results: Results = NOTHING  # what it is expected to make
    unstored: frozenset[str] = frozenset()  # of a trial: ids of files that are not stored, and need not be
    doorbell: Doorbell = NO_DOORBELL

    def arguments(
        self, rules: JobRules, quotas: str, *, digest: str = "", is_trial: bool = False
    ) -> list[str | int]:
        """Return the arguments of the submit script; `digest` is of the workers' model, `quotas` are JSON."""
        spec = self.spec
        ttl = spec.ttl_seconds or rules.retention_seconds
        record = {
            "type": spec.type,
            "model": spec.model or "",
            "lane": str(spec.lane),
            "spec": spec.kept.model_dump_json(exclude_defaults=False),
            "ttl_ms": str(ttl * 1000),
            "retried_from": self.retried_from,
            "schema": schema_of(spec),
        }
        record |= reuse_fields(spec)
        record |= expected_fields(self.results)
        optional = {
            "not_before": milliseconds_of(spec.not_before),
            "webhook": self.webhook,
            "work": self.work,
            "request_id": self.request_id,
            "trace": self.trace,
            "key": self.key,
        }
        record |= {name: text for name, text in optional.items() if text}
        if spec.deadline_seconds:
            record["deadline_ms"] = str(spec.deadline_seconds * 1000)
        return [
            self.id,
            self.owner,
            to_text(record),
            to_text([name for name in spec.inputs if name not in self.unstored]),
            self.idempotency_key,
            self.fingerprint,
            rules.idempotency_seconds * 1000,
            digest,
            quotas,
            int(is_trial),
            *self.doorbell,
        ]


@dataclass(frozen=True, slots=True)
class Submitted:
    """The result of a submission."""

    id: str
    created: bool  # False: an earlier request with this key or id created the job
    job: Job | None = None  # a new job, as it was accepted
    place: str | None = None  # its place in the queue then, where it was asked for


def missing_files(spec: JobSpec, missing: Sequence[str]) -> AtelierError:
    """Return the error that names every field whose file, or whose job, is missing."""
    errors = [missing_input(pointer, name) for pointer, name in spec.file_fields() if name in missing]
    kind = JobNotFound if all(error.code == JobNotFound.code for error in errors) else FileNotFound
    return kind("; ".join(dict.fromkeys(error.detail for error in errors)), errors=errors)


def missing_input(pointer: str, name: str) -> FieldError:
    """Return the fault of a field that names a file or an output of a job which is not there."""
    output = output_in(name)
    if output is not None:
        return FieldError(pointer, f"there is no job {output.job_id}", JobNotFound.code)
    return FieldError(pointer, f"there is no file {name}", FileNotFound.code)


def chain_too_long(pointer: str, name: str) -> AtelierError:
    """Return the error of a field that names an output for which too many jobs wait already."""
    text = f"too many jobs wait for {name} already: {MOST_CHILDREN:,} may, and {MOST_DEPTH} one after another"
    return ChainTooLong.of_field(pointer, text)
