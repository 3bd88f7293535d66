"""Versions of a model, how each does, and which share of the jobs gets a new one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from atelier.client.errors import reading


@dataclass(frozen=True, slots=True)
class Rollout:
    """The version that a share of a model's new jobs gets."""

    model: str
    version: str
    share: float  # of the jobs that name no version: above 0, 1 for all
    began_at: datetime
    by: str | None = None  # the owner of the key that set it; None for a key that is no admin's


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How the jobs of one version ended that named it, or that a rollout gave it."""

    succeeded: int
    failed: int
    canceled: int
    expired: int
    errors: Mapping[str, int]  # of those that failed, by code
    run_seconds_p50: float | None  # half of the latest that succeeded were done within this
    run_seconds_p95: float | None


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model."""

    version: str
    reference: str  # what a job gives as its model to get this version
    current: bool  # whether jobs get it that name no version and are in no rollout
    available: bool | None  # whether a live worker has it; None where none lives or says
    workers: int | None  # that have it; None for a key that is no admin's
    outcomes: Outcomes | None  # since its rollout began; None for a key that is no admin's


@dataclass(frozen=True, slots=True)
class ModelVersions:
    """The versions of one model."""

    model: str
    versions: tuple[ModelVersion, ...]  # the current first
    rollout: Rollout | None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


def rollout_path(model: str) -> str:
    """Return the path of a model's rollout."""
    return f"/v1/models/{quote(model, safe='')}/rollout"


def versions_path(model: str) -> str:
    """Return the path of a model's versions."""
    return f"/v1/models/{quote(model, safe='')}/versions"


def versions_from_json(body: Any) -> ModelVersions:
    """Return the versions that a document describes; raise ProtocolError where it is another one."""
    with reading("the versions of a model"):
        rollout = body["rollout"] and rollout_from_json(body["rollout"])
        return ModelVersions(body["model"], tuple(map(_version, body["data"])), rollout, body)


def rollout_from_json(body: Any) -> Rollout:
    """Return the rollout that a document describes; raise ProtocolError where it is another one."""
    with reading("a rollout"):
        began_at = datetime.fromisoformat(body["began_at"])
        return Rollout(body["model"], body["version"], body["share"], began_at, body.get("by"))


def _version(body: Any) -> ModelVersion:
    names = ("version", "reference", "current", "available", "workers")
    return ModelVersion(**{name: body[name] for name in names}, outcomes=_outcomes(body["outcomes"]))


def _outcomes(body: Any) -> Outcomes | None:
    if body is None:
        return None
    names = ("succeeded", "failed", "canceled", "expired", "errors", "run_seconds_p50", "run_seconds_p95")
    return Outcomes(**{name: body[name] for name in names})
