"""The API about itself: the OpenAPI document, a page to read it, and what each error code means."""

import json
from importlib.metadata import version

from apiflask import APIBlueprint
from flask import Response, render_template, url_for

from api.docs import page
from api.docs.document import document
from api.errors import RouteNotFound
from api.openapi import answer, described

VERSION = version("atelier-service")
DESCRIPTION = (
    "Pictures as jobs: submit one, follow it, fetch what it made. Every error is a problem document "
    "(RFC 9457) with a stable `code`; every time is UTC; every link is absolute."
)
TAGS = [
    {"name": "Jobs", "description": "Submit, list, read, cancel, retry and forget jobs."},
    {"name": "Results", "description": "Follow a job's events and fetch its pictures."},
    {"name": "Batches", "description": "Thousands of jobs as one thing: send, watch, steer, fetch."},
    {"name": "Files", "description": "Upload a picture once, use it in any number of jobs."},
    {"name": "Styles", "description": "Pictures kept under names, and the styles that are part of networks."},
    {"name": "Models", "description": "What jobs may name, and the JSON Schema of what each takes."},
    {"name": "Webhooks", "description": "Be told how a job goes, instead of asking."},
    {"name": "Health", "description": "For supervisors and load balancers."},
    {"name": "About", "description": "This description."},
]

blueprint = APIBlueprint("about", __name__, tag="About")


@blueprint.get("/openapi.json")
@described(blueprint, "openapi", {200: answer("This document", {"type": "object"})})
def openapi() -> Response:
    """Read the OpenAPI 3.1 document."""
    return Response(json.dumps(document()), mimetype="application/json")


@blueprint.get("/docs")
@described(blueprint, "docs", {200: answer("A page", {"type": "string"}, media_type="text/html")})
def docs() -> str:
    """Read the same as a page."""
    return render_template(
        "docs.html",
        document=document(),
        operations=page.operations(document()),
        schemas=page.schemas(document()),
        codes=page.error_codes(),
    )


@blueprint.get("/problems/<code>")
@described(blueprint, "explainProblem", {302: answer("The explanation is there")}, problems=(404,))
def explain_problem(code: str) -> Response:
    """Go to the explanation of an error code."""
    if code not in {entry.code for entry in page.error_codes()}:
        raise RouteNotFound(f"there is no error code {code}")
    return _to_page(f"problem-{code}")


@blueprint.get("/")
@blueprint.doc(hide=True)
def home() -> Response:
    """Send a browser to the page."""
    return _to_page()


def _to_page(anchor: str | None = None) -> Response:
    return Response(status=302, headers={"Location": url_for("about.docs", _anchor=anchor)})
