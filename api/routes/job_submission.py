"""Submission of jobs: JSON, one-call forms for curl and HTML, and retries of a job."""

from flask import Response, request

from api.auth import needs
from api.docs.form_schemas import AGAIN_FORM, GENERATE_FORM, STYLIZE_FORM, TRANSFORM_FORM
from api.following import accepted_response
from api.jobs.again import submit_form_again, submit_json_again
from api.jobs.estimates import estimate_form, estimate_json, estimate_response
from api.jobs.submission import Caller, submit_again, submit_form, submit_json
from api.jobs.workers import notify_for
from api.openapi import KEY, PREFER, REFUSED, TaggedBlueprint, body, operation, ref, submitted
from api.requests.body import MULTIPART, URLENCODED, json_body
from api.requests.forms import FORMS, sent_form
from api.requests.headers import idempotency_key
from api.requests.query import DryRunQuery, QueryModel, is_dry_run, parameters_of, read_query
from api.resources import jobs
from api.services import check_room, owner, services
from shared.access.key import Scope
from shared.errors import IllegalMove, InvalidRequest
from shared.identifiers import is_job_id
from shared.jobs.status import Status
from shared.jobs.submission import Submitted

blueprint = TaggedBlueprint("job_submission", tag="Jobs", url_prefix="/v1/jobs")

RETRYABLE = (Status.FAILED, Status.CANCELED, Status.EXPIRED)
SUBMITTED = submitted("job", "JobView")
TRIAL = parameters_of(DryRunQuery)


@blueprint.post("")
@operation(
    "submitJob",
    SUBMITTED,
    problems=(*REFUSED, 507),
    parameters=(PREFER, KEY, *TRIAL),
    request_body=body({"application/json": ref("JobSpec")}),
)
@needs(Scope.SUBMIT)
def submit_job() -> Response:
    """Submit a job.

    Pictures are named by the ids of uploaded files, or by addresses: URLs with `https://`, `http://` or
    `data:`, which are fetched or decoded before the job is accepted, and become files. A job may have 1 MiB,
    4,000 arrays, objects and members of objects, 100 members in one object, and 600,000 values.
    """
    return _submit_json(Caller(owner(), idempotency_key()))


@blueprint.put("/<job_id>")
@operation(
    "putJob",
    SUBMITTED,
    problems=(*REFUSED, 410, 507),
    parameters=(PREFER, *TRIAL),
    request_body=body({"application/json": ref("JobSpec")}),
)
@needs(Scope.SUBMIT)
def put_job(job_id: str) -> Response:
    """Submit a job under an id of your own.

    The id has 1 to 64 letters, digits, `-` and `_`. A repetition with the same body gives the same job.
    """
    if not is_job_id(job_id):
        raise InvalidRequest.of_field(
            "/id",
            "id must have 1 to 64 letters, digits, hyphens and underscores, and begin with a letter or digit",
        )
    return _submit_json(Caller(owner(), job_id=job_id))


def _submit_json(caller: Caller) -> Response:
    """Submit the job in the body, or say what it would come to."""
    is_trial, raw = is_dry_run(), json_body(pictures=True)
    if is_trial:
        return estimate_response(services(), caller.owner, estimate_json(services(), raw, caller))
    return submitted_response(submit_json(services(), raw, caller), caller.owner)


@blueprint.post("/stylize")
@operation(
    "stylize",
    SUBMITTED,
    problems=(*REFUSED, 507),
    parameters=(PREFER, KEY, *TRIAL),
    request_body=body({MULTIPART: STYLIZE_FORM}),
)
@needs(Scope.SUBMIT)
def stylize() -> Response:
    """Upload a picture and one or more styles, and submit the job, in one call.

    `content`, `style` and `mask` are pictures, ids of files, or addresses; `style` may also be
    the name of a stored style or the number of a built-in one.
    """
    return _submit("stylize", MULTIPART)


@blueprint.post("/generate")
@operation(
    "generate",
    SUBMITTED,
    problems=REFUSED,
    parameters=(PREFER, KEY, *TRIAL),
    request_body=body({MULTIPART: GENERATE_FORM, URLENCODED: GENERATE_FORM}, required=False),
)
@needs(Scope.SUBMIT)
def generate() -> Response:
    """Submit a generation from form fields.

    With no field at all it makes one picture from a random seed.
    """
    return _submit("generate", MULTIPART, URLENCODED)


@blueprint.post("/transform")
@operation(
    "transform",
    SUBMITTED,
    problems=(*REFUSED, 507),
    parameters=(PREFER, KEY, *TRIAL),
    request_body=body({MULTIPART: TRANSFORM_FORM}),
)
@needs(Scope.SUBMIT)
def transform() -> Response:
    """Upload a picture and send it through a network from picture to picture, in one call.

    `content` is a picture, the id of a file uploaded before, or an address.
    """
    return _submit("transform", MULTIPART)


def _submit(kind: str, *media_types: str) -> Response:
    """Submit the job that the sent form describes, in one of the media types."""
    caller, is_trial = Caller(owner(), idempotency_key()), is_dry_run()
    form = FORMS[kind].read(*sent_form(*media_types))
    if is_trial:
        return estimate_response(services(), caller.owner, estimate_form(services(), form, caller))
    return submitted_response(submit_form(services(), form, caller), caller.owner)


@blueprint.post("/again")
@operation(
    "submitJobAgain",
    submitted("job", "JobView", estimates=False),
    problems=(*REFUSED, 404, 507),
    parameters=(PREFER, KEY),
    request_body=body({MULTIPART: AGAIN_FORM, "application/json": ref("AgainRequest")}),
)
@needs(Scope.SUBMIT)
def submit_job_again() -> Response:
    """Submit a job by the recipe in a picture.

    A picture that Atelier made says how: styles, settings, seed and model. `picture` is such a picture, or
    what a command has written beside one as JSON; in JSON it is the id of an uploaded file. All other fields
    are those of the recipe's type of job, and go over the recipe's: `content` is the photo to paint now.
    """
    read_query(QueryModel)  # it takes none, so a dry run is refused
    caller = Caller(owner(), idempotency_key())
    if request.is_json:
        found = submit_json_again(services(), json_body(pictures=True), caller)
    else:
        found = submit_form_again(services(), *sent_form(MULTIPART), caller)
    return submitted_response(found, caller.owner)


@blueprint.post("/<job_id>/retry")
@operation(
    "retryJob",
    submitted("job", "JobView", estimates=False),
    problems=(404, 409, 410, 422, 429, 503, 507),
    parameters=(PREFER, KEY),
)
@needs(Scope.SUBMIT)
def retry_job(job_id: str) -> Response:
    """Submit a job again that failed, was canceled or expired.

    Makes a new job with the same resolved input; its `retried_from` names the old one. While that job is not
    done, a further retry finds it. An item of a batch goes again in its place: the batch counts it, and
    however often it is asked, a job is tried again once.
    """
    read_query(QueryModel)  # it takes none, so a dry run is refused
    job = services().store.get(job_id, owner())
    if job.status not in RETRYABLE:
        raise IllegalMove(f"only a failed, canceled or expired job can be retried; this one is {job.status}")
    if job.batch_id is not None:
        check_room(services())
        again = services().batches.retry_item(job)
        notify_for(services(), services().batches.get(job.batch_id, job.owner))
        return submitted_response(again, job.owner)
    caller = Caller(owner(), idempotency_key())
    return submitted_response(submit_again(services(), job, caller), caller.owner)


def submitted_response(submitted: Submitted, owner: str) -> Response:
    """Return the response to the submission of a job."""
    resource = jobs()
    job = resource.accepted(submitted, owner)
    return accepted_response(resource, job, created=submitted.created)
