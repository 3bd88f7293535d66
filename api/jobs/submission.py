"""From a request to an accepted job: validate, probe, store the inputs, submit, ring. In this order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from api.jobs.validation import parse_spec
from api.jobs.workers import AvailableModels, notify
from api.requests.field_errors import combined
from api.requests.forms import Form, renamed
from api.requests.pictures import Upload, check_content, probe_parts
from api.services import Services, base_url
from shared.errors import AtelierError, FieldError, IdempotencyMismatch, InvalidRequest, OutOfDisk
from shared.identifiers import new_job_id, sha256
from shared.jobs.job import Job
from shared.jobs.submission import Submission, Submitted
from shared.settings import Settings
from shared.specs.spec import GenerateSpec, Spec, StylizeSpec, card_of, resolve
from shared.specs.webhook import Receiver, webhook_record
from shared.specs.work_size import PictureSize, work_of
from shared.webhooks.address import refusal_of_url

HEADER = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who submits, and how a repetition of the same request is known."""

    owner: str
    idempotency_key: str = ""
    job_id: str = ""  # chosen by the client; "" draws a fresh one


def submit_json(services: Services, raw: object, caller: Caller) -> Submitted:
    """Accept the job that a JSON value describes."""
    try:
        spec = parse_spec(raw, services.catalog)
    except AtelierError as error:
        raise combined([error, *AvailableModels(services).faults_of(raw)]) from error
    return _accept(services, spec, (), caller)


def submit_form(services: Services, form: Form, caller: Caller) -> Submitted:
    """Accept the job that a form describes; its pictures are stored once nothing is wrong with any of it."""
    spec, uploads = _checked(services, form)
    try:
        return _accept(services, spec, uploads, caller)
    except AtelierError as error:
        raise renamed(error, form) from error


def submit_again(services: Services, job: Job, caller: Caller) -> Submitted:
    """Accept a new job with the resolved specification of an old one: the same seeds, the same pictures."""
    resolve(job.spec, services.catalog)  # raises where the catalog no longer allows it
    _check_model(services, job.spec, caller)
    fingerprint = sha256(f"retry {job.id}".encode())
    size = _content_size(services, job.spec, (), caller.owner)
    return _submit(services, job.spec, fingerprint, caller, size, retried_from=job.id)


def fingerprint_of(spec: Spec) -> str:
    """Return the digest of what the client asked for: two spellings of one request have the same."""
    asked = spec.model_dump(mode="json", exclude_defaults=True) | {"type": spec.type}
    return sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode())


def _checked(services: Services, form: Form) -> tuple[Spec, list[Upload]]:
    faults = list(form.faults)
    uploads = probe_parts(services, form.uploads, faults)
    try:
        spec = parse_spec(form.raw, services.catalog)
    except AtelierError as error:
        raise combined([*faults, renamed(error, form), *_model_faults(services, form)]) from error
    if faults:
        raise combined([*faults, *_model_faults(services, form)])
    return spec, uploads


def _model_faults(services: Services, form: Form) -> list[AtelierError]:
    return [renamed(fault, form) for fault in AvailableModels(services).faults_of(form.raw)]


def _accept(services: Services, spec: Spec, uploads: Sequence[Upload], caller: Caller) -> Submitted:
    fingerprint = fingerprint_of(spec)
    if uploads or _names_styles(spec):  # a repetition stores nothing, and needs no style that is gone
        known = _known(services, caller)
        if known is not None:
            return _repeated(known, fingerprint, caller)
    resolved = resolve(spec, services.catalog)
    _check_model(services, resolved, caller)
    if isinstance(resolved, StylizeSpec):
        resolved = services.styles.resolve(caller.owner, resolved)
    size = _content_size(services, resolved, uploads, caller.owner)
    if size is not None and not isinstance(resolved, GenerateSpec):
        check_content(services, resolved, card_of(resolved, services.catalog), size)
    for upload in uploads:
        services.files.add(caller.owner, upload.data, upload.info, with_form=True)
    return _submit(services, resolved, fingerprint, caller, size)


def _content_size(
    services: Services, spec: Spec, uploads: Sequence[Upload], owner: str
) -> PictureSize | None:
    """Return the size of a job's content picture; a file that is missing is the store's to refuse."""
    if isinstance(spec, GenerateSpec):
        return None
    sent = next((upload.info for upload in uploads if upload.file_id == spec.content), None)
    if sent is not None:
        return PictureSize(sent.width, sent.height, sent.frames)
    return services.files.sizes(owner, [spec.content]).get(spec.content)


def _check_model(services: Services, spec: Spec, caller: Caller) -> None:
    """Raise ModelUnavailable where no worker has the model; a repetition finds the job that was accepted."""
    fault = AvailableModels(services).fault(card_of(spec, services.catalog))
    if fault is not None and _known(services, caller) is None:
        raise fault


def _names_styles(spec: Spec) -> bool:
    return isinstance(spec, StylizeSpec) and any(style.name is not None for style in spec.styles)


def _known(services: Services, caller: Caller) -> tuple[str, str] | None:
    """Return the id and the fingerprint of the job that this request made before, None where it is new."""
    if caller.job_id:
        fingerprint = services.queries.fingerprint(caller.owner, caller.job_id)
        return (caller.job_id, fingerprint) if fingerprint else None
    key = caller.idempotency_key
    return services.queries.keyed(caller.owner, key) if key else None


def _repeated(known: tuple[str, str], fingerprint: str, caller: Caller) -> Submitted:
    job_id, first = known
    if first != fingerprint:
        raise mismatch(_place_of_key(caller))
    return Submitted(id=job_id, created=False)


def _place_of_key(caller: Caller) -> str:
    return "id" if caller.job_id else HEADER


def mismatch(name: str) -> IdempotencyMismatch:
    """Return the error where another request had the same key, or id; `name` is the header or field."""
    detail = f"{name} was used before with another request"
    return IdempotencyMismatch(detail, errors=[FieldError(f"/{name}", detail, IdempotencyMismatch.code)])


def _submit(
    services: Services,
    spec: Spec,
    fingerprint: str,
    caller: Caller,
    size: PictureSize | None,
    *,
    retried_from: str = "",
) -> Submitted:
    submission = Submission(
        id=caller.job_id or new_job_id(),
        owner=caller.owner,
        spec=spec,
        fingerprint=fingerprint,
        idempotency_key=caller.idempotency_key,
        retried_from=retried_from,
        webhook=terms_of(spec.webhook, services.settings),
        work=work_of(spec, card_of(spec, services.catalog), size),
    )
    _check_room(services, caller)
    try:
        submitted = services.store.submit(submission)
    except IdempotencyMismatch as error:
        raise mismatch(_place_of_key(caller)) from error
    if submitted.created:
        notify(services, submission.id, submission.spec.lane)
    return submitted


def _check_room(services: Services, caller: Caller) -> None:
    """Raise OutOfDisk where results would find no room; a repetition of an accepted request needs none."""
    try:
        services.disk.check()
    except OutOfDisk:
        if _known(services, caller) is None:
            raise


def terms_of(webhook: Receiver | None, settings: Settings) -> str:
    """Return what the record keeps, "" without a webhook; raise InvalidRequest where it is refused.

    Deliveries have the same links as the response to this request.
    """
    if webhook is None:
        return ""
    private = settings.private_webhooks
    reason = refusal_of_url(webhook.url, private=private)
    if reason:
        raise InvalidRequest.of_field("/webhook/url", f"webhook.url is refused: {reason}")
    return webhook_record(webhook, private=private, base=base_url())
