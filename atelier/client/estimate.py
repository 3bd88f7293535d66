"""What a dry run says: what a request would make and take, and what would refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atelier.client.errors import ApiError, reading

DRY_RUN = {"dry_run": "true"}  # the query of a request that asks for an estimate


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request for jobs would come to. The service stored nothing of it, and holds nothing for it."""

    accepted: bool  # there are no problems
    problems: tuple[ApiError, ...]  # each with which the request would be refused
    repeats: str | None  # id of what the same request made before, and would find; the amounts are 0 then
    items: int  # jobs that it asks for
    refused_items: int  # those at fault; the amounts are of the others
    pictures: int  # files that they make
    pixels: int  # of all pictures that they make
    bytes: int  # of the storage that these take, about
    work_seconds: float | None  # for which they keep one slot of a worker busy; None until measured
    eta_seconds: float | None  # until all of them would be done; None too where no worker lives
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


def estimate_from_json(body: Any) -> Estimate:
    """Read an estimate; raise ProtocolError where the document is none."""
    with reading("an estimate"):
        return Estimate(
            accepted=bool(body["accepted"]),
            problems=tuple(ApiError(entry, status=entry["status"]) for entry in body["problems"]),
            repeats=body["repeats"],
            items=body["items"],
            refused_items=body["refused_items"],
            pictures=body["pictures"],
            pixels=body["pixels"],
            bytes=body["bytes"],
            work_seconds=body["work_seconds"],
            eta_seconds=body["eta_seconds"],
            raw=body,
        )
