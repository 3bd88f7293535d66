"""The API about itself: the OpenAPI document, a page to read it, and what each error code means."""

import json

from flask import Response, render_template, url_for

from api.docs import page
from api.docs.document import document
from api.errors import RouteNotFound
from api.openapi import TaggedBlueprint, documented, operation

blueprint = TaggedBlueprint("about", tag="About")


@blueprint.get("/openapi.json")
@operation("openapi", {200: documented("This document", {"type": "object"})})
def openapi() -> Response:
    """Read the OpenAPI 3.1 document."""
    return Response(json.dumps(document()), mimetype="application/json")


@blueprint.get("/docs")
@operation("docs", {200: documented("A page", {"type": "string"}, media_type="text/html")})
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
@operation("explainProblem", {302: documented("The explanation is there")}, problems=(404,))
def explain_problem(code: str) -> Response:
    """Go to the explanation of an error code."""
    if code not in {entry.code for entry in page.error_codes()}:
        raise RouteNotFound(f"there is no error code {code}")
    return _to_page(f"problem-{code}")


@blueprint.get("/")
def home() -> Response:
    """Send a browser to the page."""
    return _to_page()


def _to_page(anchor: str | None = None) -> Response:
    return Response(status=302, headers={"Location": url_for("about.docs", _anchor=anchor)})
