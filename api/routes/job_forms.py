"""One-call submissions for curl and HTML forms."""

from apiflask import APIBlueprint
from flask import Response

from api.auth import owner
from api.docs.form_schemas import GENERATE_FORM, STYLIZE_FORM, TRANSFORM_FORM
from api.jobs.response import submitted_answer
from api.jobs.submission import Caller, submit_form
from api.openapi import body, described
from api.requests.body import MULTIPART, URLENCODED
from api.requests.forms import FORMS, sent_form
from api.requests.headers import idempotency_key
from api.routes.jobs import KEY, PREFER, REFUSED, SUBMITTED
from api.services import services

blueprint = APIBlueprint("job_forms", __name__, tag="Jobs", url_prefix="/v1/jobs")


@blueprint.post("/stylize")
@described(
    blueprint,
    "stylize",
    SUBMITTED,
    problems=(*REFUSED, 507),
    parameters=(PREFER, KEY),
    request_body=body({MULTIPART: STYLIZE_FORM}),
)
def stylize() -> Response:
    """Upload a picture and one or more styles, and submit the job, in one call.

    `content`, `style` and `mask` are pictures, or ids of files uploaded before; `style` may also be the name
    of a stored style or the number of a built-in one.
    """
    caller = Caller(owner(), idempotency_key())
    form = FORMS["stylize"].read(*sent_form(MULTIPART))
    return submitted_answer(submit_form(services(), form, caller), caller.owner)


@blueprint.post("/generate")
@described(
    blueprint,
    "generate",
    SUBMITTED,
    problems=REFUSED,
    parameters=(PREFER, KEY),
    request_body=body({MULTIPART: GENERATE_FORM, URLENCODED: GENERATE_FORM}, required=False),
)
def generate() -> Response:
    """Submit a generation from form fields.

    With no field at all it makes one picture from a random seed.
    """
    caller = Caller(owner(), idempotency_key())
    form = FORMS["generate"].read(*sent_form(MULTIPART, URLENCODED))
    return submitted_answer(submit_form(services(), form, caller), caller.owner)


@blueprint.post("/transform")
@described(
    blueprint,
    "transform",
    SUBMITTED,
    problems=(*REFUSED, 507),
    parameters=(PREFER, KEY),
    request_body=body({MULTIPART: TRANSFORM_FORM}),
)
def transform() -> Response:
    """Upload a picture and send it through a network from picture to picture, in one call.

    `content` is a picture, or the id of a file uploaded before.
    """
    caller = Caller(owner(), idempotency_key())
    form = FORMS["transform"].read(*sent_form(MULTIPART))
    return submitted_answer(submit_form(services(), form, caller), caller.owner)
