"""Accepts a job request: validate, probe, store the inputs, submit; in this order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from api.auth import require
from api.jobs.addresses import with_pictures
from api.jobs.bounds import check_bounds
from api.jobs.parents import Parents
from api.jobs.recipes import Recipes
from api.jobs.versions import Versions
from api.jobs.workers import AvailableModels
from api.requests.field_errors import CheckedSpec, combined, parse_spec
from api.requests.forms import Form, renamed
from api.requests.pictures import Upload, probe_parts
from api.server.request_trace import about_subject
from api.services import (
    Services,
    base_url,
    check_room,
    key_id,
    may_know_of_others,
    request_id,
    request_trace,
)
from shared.access.key import Scope
from shared.cards.card import ModelCard
from shared.errors import (
    AtelierError,
    FieldError,
    IdempotencyMismatch,
    InvalidRequest,
    OutOfDisk,
    RecipeNotFound,
    StoreFull,
)
from shared.identifiers import new_job_id, sha256
from shared.images.limits import ImageLimits
from shared.jobs.job import Job
from shared.jobs.submission import Submission, Submitted
from shared.network.url import refusal_of_url
from shared.settings import Settings
from shared.specs.parts import PictureSize
from shared.specs.results import Results
from shared.specs.spec import JobSpec, checked_card, work_of
from shared.specs.webhook import EVENT_BODY, MAIL, Receiver, notice_in, recipient_of, webhook_record
from shared.specs.working_size import ContentSpec, check_content

HEADER = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Caller:
    """The client of a submission, and how to recognize a repetition of the same request."""

    owner: str
    idempotency_key: str = ""
    job_id: str = ""  # chosen by the client; "" creates a new one


@dataclass(frozen=True, slots=True)
class ReadyJob:
    """A resolved job that was found sound. Nothing of it is stored yet."""

    spec: JobSpec
    card: ModelCard
    size: PictureSize | None  # of its content picture
    uploads: Sequence[Upload] = ()  # its pictures that came with the request

    @property
    def work(self) -> str:
        """The kind of its work."""
        return work_of(self.spec, self.card, self.size)

    @property
    def results(self) -> Results:
        """What it is expected to make."""
        return Results.of(self.spec, self.card, self.size)


def submit_json(services: Services, raw: object, caller: Caller) -> Submitted:
    """Accept the job that a JSON value describes."""
    try:
        asked = checked_json(services, raw, caller.owner)
    except RecipeNotFound as error:
        return _accepted_before(services, raw, caller, error)
    return accept(services, asked, (), caller)


def _accepted_before(services: Services, raw: object, caller: Caller, error: RecipeNotFound) -> Submitted:
    """Return the job of a repeated request whose recipe was forgotten since; raise the error of a new one."""
    known = known_job(services, caller)
    if known is None:
        raise error
    return repeated(known, _print_of(raw), caller)


def checked_json(services: Services, raw: object, owner: str) -> CheckedSpec:
    """Return the job that a JSON value describes; raise one error with all of its faults."""
    whole = Recipes(services, owner).applied(raw)
    try:
        return _checked(services, whole, raw)
    except AtelierError as error:
        raise combined([error, *AvailableModels(services).faults_of(whole)]) from error


def _checked(services: Services, whole: object, raw: object) -> CheckedSpec:
    """Return the job that a value describes: the request, or where it names a recipe, what both describe."""
    asked = parse_spec(whole, services.catalog)
    # A later version of the recipe makes no other request of a repetition.
    return asked if whole is raw else asked._replace(sent=_print_of(raw))


def _print_of(raw: object) -> str:
    return sha256(json.dumps(raw, sort_keys=True).encode())


def submit_form(services: Services, form: Form, caller: Caller) -> Submitted:
    """Accept the job that a form describes; its pictures are stored only if the whole form is valid."""
    try:
        asked, uploads = checked_form(services, form, caller.owner)
    except RecipeNotFound as error:
        return _accepted_before(services, form.raw, caller, error)
    try:
        return accept(services, asked, uploads, caller)
    except AtelierError as error:
        raise renamed(error, form) from error


def submit_again(services: Services, job: Job, caller: Caller) -> Submitted:
    """Accept a new job with the resolved specification of an old one: same seeds, same pictures."""
    card = checked_card(job.spec, services.catalog)  # the card may have changed and refuse the job now
    check_bounds(job.spec, services.settings)
    check_models(services, job.spec, card, caller)
    fingerprint = sha256(f"retry {job.id}".encode())
    notice = notice_in(job.webhook)
    spec = job.spec.model_copy(update={"webhook": notice}) if notice else job.spec
    again = ReadyJob(spec, card, _content_size(services, job.spec, (), caller.owner))
    return _submit(services, again, fingerprint, caller, retried_from=job.id)


def print_of_request(checked: CheckedSpec) -> str:
    """Return the digest by which a repetition of the request is known, whatever its recipe has become."""
    return checked.sent or fingerprint_of(checked.spec)


def fingerprint_of(spec: JobSpec) -> str:
    """Return the digest of a request; equivalent forms of one request have the same digest."""
    asked = spec.model_dump(mode="json", exclude_defaults=True) | {"type": spec.type}
    if spec.not_before is not None:  # in no dump
        asked["not_before"] = spec.not_before.timestamp()
    if spec.webhook is not None and spec.webhook.body != EVENT_BODY:  # neither
        asked["webhook"]["body"] = spec.webhook.body
    return sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode())


def checked_form(services: Services, form: Form, owner: str) -> tuple[CheckedSpec, list[Upload]]:
    """Return the job that a form describes, with its pictures; raise one error with all of its faults."""
    faults = list(form.faults)
    uploads = probe_parts(services, form.uploads, faults)
    try:
        asked = _checked(services, Recipes(services, owner).applied(form.raw), form.raw)
    except AtelierError as error:
        raise combined([*faults, renamed(error, form), *_model_faults(services, form)]) from error
    if faults:
        raise combined([*faults, *_model_faults(services, form)])
    return asked, uploads


def _model_faults(services: Services, form: Form) -> list[AtelierError]:
    return [renamed(fault, form) for fault in AvailableModels(services).faults_of(form.raw)]


def accept(services: Services, asked: CheckedSpec, uploads: Sequence[Upload], caller: Caller) -> Submitted:
    """Accept a job that was checked; `uploads` are the pictures of its files that came with the request."""
    spec, card = asked.spec, asked.card
    fingerprint = print_of_request(asked)
    if uploads or spec.addresses or spec.named_styles or spec.named_outputs:  # a repetition asks for nothing
        known = known_job(services, caller)
        if known is not None:
            return repeated(known, fingerprint, caller)
    check_models(services, spec, card, caller)
    asked = Versions(services).chosen(asked, salt_of(caller))
    ready = ready_job(services, asked, uploads, caller)
    if ready.uploads:  # of a job that is refused no picture is stored
        _check_quota(services, caller.owner, ready.results)
    for upload in ready.uploads:
        services.files.add(caller.owner, upload.data, upload.info, with_form=True)
    return _submit(services, ready, fingerprint, caller)


def ready_job(services: Services, asked: CheckedSpec, uploads: Sequence[Upload], caller: Caller) -> ReadyJob:
    """Return a job with defaults, seeds, styles and the pictures of its addresses; store nothing.

    Raises what refuses the job, but for its model, its owner's quota, and files that are not there.
    """
    spec, card = asked.spec, asked.card
    if spec.named_outputs:
        require(Scope.READ)  # what the job makes shows what it takes
    rules = services.settings.output
    output = spec.output.resolved(recipe=rules.recipe)
    filled = spec.filled(card).model_copy(update={"output": output}).with_precision(card, rules.precision)
    resolved = services.styles.resolve(caller.owner, filled)
    if resolved.addresses:
        terms_of(resolved.webhook, services.settings)  # what is refused is refused before anything is fetched
        _check_room(services, caller)
        resolved, fetched = with_pictures(services, resolved, caller.owner)
        uploads = [*uploads, *fetched]
    check_bounds(resolved, services.settings)
    size = _content_size(services, resolved, uploads, caller.owner)
    if size is not None and isinstance(resolved, ContentSpec):
        check_content(resolved, card, size, ImageLimits.of(services.settings.limits))
    return ReadyJob(resolved, card, size, uploads)


def salt_of(caller: Caller) -> str:
    """Return what tells a job that draws its seeds from others, and not from its repetitions."""
    name = caller.job_id or caller.idempotency_key
    return f"{caller.owner} {name}" if name else ""


def _check_quota(services: Services, owner: str, results: Results) -> None:
    asked = {"queued": 1, "stored_bytes": results.bytes, "daily_pixels": results.pixels}
    services.quotas.check(owner, **asked)


def _content_size(
    services: Services, spec: JobSpec, uploads: Sequence[Upload], owner: str
) -> PictureSize | None:
    """Return the size of a job's content picture; None if the file is missing, which the store refuses.

    None, too, where it is the output of a job of which that is not known. Raises what refuses such an output.
    """
    parents = Parents(services, owner)
    parents.check(spec)
    if not isinstance(spec, ContentSpec):
        return None
    sent = next((upload.info for upload in uploads if upload.file_id == spec.content), None)
    if sent is not None:
        return PictureSize(sent.width, sent.height, sent.frames)
    return parents.size(spec.content) or services.files.sizes(owner, [spec.content]).get(spec.content)


def check_models(services: Services, spec: JobSpec, card: ModelCard, caller: Caller) -> None:
    """Raise ModelUnavailable if no worker has a model of the job, unless the request repeats an accepted one.

    UnknownModel or CardUnusable where the model that enlarges has no card.
    """
    fault = AvailableModels(services).fault_of(spec, card)
    if fault is not None and known_job(services, caller) is None:
        raise fault


def known_job(services: Services, caller: Caller) -> tuple[str, str] | None:
    """Return the id and the fingerprint of the job that this request created before; None if it is new."""
    if caller.job_id:
        fingerprint = services.queries.fingerprint(caller.owner, caller.job_id)
        return (caller.job_id, fingerprint) if fingerprint else None
    key = caller.idempotency_key
    return services.queries.keyed(caller.owner, key) if key else None


def repeated(known: tuple[str, str], fingerprint: str, caller: Caller) -> Submitted:
    """Return the job that a repeated request finds; raise IdempotencyMismatch if it is another request."""
    job_id, first = known
    if first != fingerprint:
        raise mismatch(place_of_key(caller))
    return Submitted(id=job_id, created=False)


def place_of_key(caller: Caller) -> str:
    """Return the name of the header or field by which a repetition is known."""
    return "id" if caller.job_id else HEADER


def mismatch(name: str) -> IdempotencyMismatch:
    """Return the error for a key or id that another request used; `name` is the header or field."""
    detail = f"{name} was used before with another request"
    return IdempotencyMismatch(detail, errors=[FieldError(f"/{name}", detail, IdempotencyMismatch.code)])


def _submit(
    services: Services, ready: ReadyJob, fingerprint: str, caller: Caller, *, retried_from: str = ""
) -> Submitted:
    submission = submission_of(services, ready, fingerprint, caller, retried_from=retried_from)
    _check_room(services, caller)
    place = services.queries.place_of(submission.id, own_only=not may_know_of_others())
    try:
        submitted = services.store.submit(submission, place)
    except IdempotencyMismatch as error:
        raise mismatch(place_of_key(caller)) from error
    about_subject(job_id=submitted.id)
    return submitted


def submission_of(
    services: Services, ready: ReadyJob, fingerprint: str, caller: Caller, *, retried_from: str = ""
) -> Submission:
    """Return what the store takes; raise InvalidRequest if the job's webhook is refused."""
    job_id = caller.job_id or new_job_id()
    return Submission(
        id=job_id,
        owner=caller.owner,
        spec=ready.spec,
        fingerprint=fingerprint,
        idempotency_key=caller.idempotency_key,
        retried_from=retried_from,
        webhook=terms_of(ready.spec.webhook, services.settings),
        work=ready.work,
        results=ready.results,
        key=key_id(),
        request_id=request_id(),
        trace=request_trace(),
        doorbell=services.queue.doorbell(job_id, ready.spec.lane),
    )


def _check_room(services: Services, caller: Caller) -> None:
    """Raise OutOfDisk or StoreFull if there is no room, unless the request repeats an accepted one."""
    try:
        check_room(services)
    except (OutOfDisk, StoreFull):
        if known_job(services, caller) is None:
            raise


NO_MAIL = "the operator admits no mail to this address (ATELIER_MAIL_SERVER, ATELIER_MAIL_TO)"


def terms_of(webhook: Receiver | None, settings: Settings) -> str:
    """Return the webhook for the record, or "" without one; raise InvalidRequest if it is refused.

    Deliveries contain the same links as the response to this request.
    """
    if webhook is None:
        return ""
    if webhook.template == MAIL:
        if not settings.mail.admits(recipient_of(webhook.url)):
            raise InvalidRequest.of_field("/webhook/url", f"webhook.url is refused: {NO_MAIL}")
        return webhook_record(webhook, private=False, base=base_url())
    private = settings.private_webhooks
    reason = refusal_of_url(webhook.url, private=private, setting="ATELIER_WEBHOOK_ALLOW_PRIVATE")
    if reason:
        raise InvalidRequest.of_field("/webhook/url", f"webhook.url is refused: {reason}")
    return webhook_record(webhook, private=private, base=base_url())
