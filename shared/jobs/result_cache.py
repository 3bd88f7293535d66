"""Which jobs are equal, so that one may take over the result of another."""

import json
from collections.abc import Iterable

from shared.identifiers import sha256
from shared.specs.spec import JobSpec
from shared.workers import WorkerRoster

IMMATERIAL = frozenset({"lane", "ttl_seconds", "deadline_seconds", "metadata", "webhook", "cache"})


def print_of(spec: JobSpec) -> str:
    """Return what equal resolved specifications share: model, parameters, seeds, files by their content."""
    fields = spec.model_dump(mode="json", exclude=set(IMMATERIAL))
    for style in fields.get("styles", ()):
        if style["image"] is not None:
            style["name"] = None  # the picture counts, not what it is called
    return sha256(json.dumps(fields, sort_keys=True).encode())[:32]


def reuse_fields(spec: JobSpec) -> dict[str, str]:
    """Return what the record of a job says that may take over a result, and give one."""
    return {"reuse": print_of(spec)} if spec.cache else {}


def served_digests(roster: WorkerRoster, specs: Iterable[JobSpec]) -> dict[str, str]:
    """Return by name the digests of the models that jobs with `cache` ask for, as all live workers have them.

    A model that no worker has, or that workers have of several versions, is left out.
    """
    wanted = {spec.model for spec in specs if spec.cache}
    if not wanted:
        return {}
    found: dict[str, set[str]] = {}
    for model in (model for worker in roster.live() for model in worker.models):
        found.setdefault(model.name, set()).add(model.digest)
    return {
        name: next(iter(digests)) for name, digests in found.items() if len(digests) == 1 and name in wanted
    }
