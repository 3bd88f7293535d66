"""Dry runs: what a request for jobs would make and take, and what would refuse it. Nothing is stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from flask import Response

from api.errors import TooManyFetches
from api.jobs.submission import (
    Caller,
    ReadyJob,
    check_models,
    checked_form,
    checked_json,
    known_job,
    mismatch,
    place_of_key,
    print_of_request,
    ready_job,
    repeated,
    salt_of,
    submission_of,
)
from api.jobs.versions import Versions
from api.requests.field_errors import CheckedSpec
from api.requests.forms import Form, renamed
from api.requests.pictures import Upload
from api.responses.estimate_views import EstimateView
from api.responses.problems import members_of
from api.responses.representation import json_response
from api.responses.views import Problem
from api.services import Services, check_room, may_know_of_others
from shared.errors import (
    AtelierError,
    IdempotencyMismatch,
    OutOfDisk,
    StorageUnavailable,
    StoreFull,
    StoreUnavailable,
)
from shared.jobs.queue_place import Expected
from shared.jobs.submission import NOTHING
from shared.setting_groups import blocks
from shared.specs.parts import Lane
from shared.specs.results import Results
from shared.workers import capacity_of

_REFUSALS = (StoreFull, OutOfDisk)  # of the errors below, those that are an answer
_NO_ANSWER = (StoreUnavailable, StorageUnavailable, TooManyFetches)  # what was asked could not be looked into
Told = Callable[[AtelierError], AtelierError]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request for jobs would come to."""

    items: int  # that the request asks for
    refused: int  # items that are at fault themselves
    lane: Lane
    results: Results = NOTHING  # what the others make
    works: Mapping[str, int] = field(default_factory=dict)  # the others by kind of work
    problems: tuple[AtelierError, ...] = ()  # each of which refuses the request
    repeats: str | None = None  # id of what the same request made before, and would find again


class Trial:
    """Makes the checks of a request one after the other, and goes on where one of them refuses it."""

    def __init__(self, told: Told = lambda error: error) -> None:
        self._told = told  # returns an error in the words of the request
        self.problems: list[AtelierError] = []

    def value(self, make: Callable[[], T]) -> T | None:
        """Return what `make` makes; or None, and note what refuses the request."""
        try:
            return make()
        except AtelierError as error:
            if isinstance(error, _NO_ANSWER) and not isinstance(error, _REFUSALS):
                raise
            self.problems.append(self._told(error))
            return None

    def passes(self, check: Callable[[], object]) -> bool:
        """Whether a check raises nothing that refuses the request."""
        before = len(self.problems)
        self.value(check)
        return len(self.problems) == before


def estimate_json(services: Services, raw: object, caller: Caller) -> Estimate:
    """Return what the job that a JSON value describes would come to."""
    return _estimate(services, caller, lambda: (checked_json(services, raw, caller.owner), ()), Trial())


def estimate_form(services: Services, form: Form, caller: Caller) -> Estimate:
    """Return what the job that a form describes would come to."""
    # Faults of the form's own fields are in its words already, which a second turn would not change.
    trial = Trial(lambda error: renamed(error, form))
    return _estimate(services, caller, lambda: checked_form(services, form, caller.owner), trial)


def _estimate(
    services: Services,
    caller: Caller,
    check: Callable[[], tuple[CheckedSpec, Sequence[Upload]]],
    trial: Trial,
) -> Estimate:
    try:
        asked, uploads = check()
    except AtelierError as error:
        return Estimate(items=1, refused=1, lane=Lane.INTERACTIVE, problems=(error,))
    lane, fingerprint = asked.spec.lane, print_of_request(asked)
    known = known_job(services, caller)
    if known is not None:
        trial.passes(lambda: repeated(known, fingerprint, caller))
        return Estimate(
            1, 0, lane, problems=tuple(trial.problems), repeats=None if trial.problems else known[0]
        )
    has_model = trial.passes(lambda: check_models(services, asked.spec, asked.card, caller))
    chosen = Versions(services).chosen(asked, salt_of(caller))
    ready = trial.value(lambda: ready_job(services, chosen, uploads, caller))
    if ready is None:
        return Estimate(1, 1, lane, problems=tuple(trial.problems))
    trial.passes(lambda: check_room(services))
    trial.passes(lambda: _try(services, ready, fingerprint, caller))
    problems, works = tuple(trial.problems), {ready.work: 1}
    return Estimate(1, int(not has_model), lane, ready.results, works, problems)


def _try(services: Services, ready: ReadyJob, fingerprint: str, caller: Caller) -> None:
    """Try to submit a job: its pictures that came with the request take room too, unless they are stored."""
    submission = submission_of(services, ready, fingerprint, caller)
    sent = {upload.file_id: blocks(len(upload.data)) for upload in ready.uploads}
    stored = services.files.sizes(caller.owner, list(sent))
    new = {name: size for name, size in sent.items() if name not in stored}
    services.disk.check(sum(new.values()), len(new), is_trial=True)
    results = submission.results + Results(bytes=sum(new.values()))
    try:
        services.store.try_out(replace(submission, results=results, unstored=frozenset(new)))
    except IdempotencyMismatch as error:
        raise mismatch(place_of_key(caller)) from error


def _expected(services: Services, owner: str, estimate: Estimate) -> Expected:
    """Return how long the work would take, and until when it would be done, by what was measured.

    Where the client must learn nothing of others, as if only its own jobs ran.
    """
    if not estimate.works:
        return Expected(None, None)
    capacity = capacity_of(services.roster.recent(), estimate.lane)
    alone = not may_know_of_others()
    return services.queries.expected_of_new(owner, estimate.lane, estimate.works, capacity, own_only=alone)


def estimate_response(services: Services, owner: str, estimate: Estimate) -> Response:
    """Return the response to a dry run."""
    times = _expected(services, owner, estimate)
    view = EstimateView(
        object="estimate",
        accepted=not estimate.problems,
        problems=[Problem.model_validate(members_of(error)) for error in estimate.problems],
        repeats=estimate.repeats,
        items=estimate.items,
        refused_items=estimate.refused,
        pictures=estimate.results.pictures,
        pixels=estimate.results.pixels,
        bytes=estimate.results.bytes,
        work_seconds=times.work_seconds,
        eta_seconds=times.eta_seconds,
    )
    return json_response(view, headers={"Cache-Control": "no-store"})
