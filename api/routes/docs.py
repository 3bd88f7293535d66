"""The API about itself: the OpenAPI document, a page to read and try it, and what each error code means."""

import json
import secrets
from dataclasses import dataclass
from importlib import resources

from flask import Response, render_template, url_for

from api.auth import open_to_all
from api.docs.document import document
from api.errors import RouteNotFound
from api.openapi import TEXT, TaggedBlueprint, documented, operation
from api.responses.problems import STATUS, subclasses
from api.responses.representation import conditional
from api.responses.security_headers import CONTENT_POLICY, page_policy
from shared.errors import AtelierError

blueprint = TaggedBlueprint("about", tag="About")

SWAGGER_UI = resources.files("flask_swagger_ui") / "dist"
ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code that a problem may carry."""

    code: str
    status: int
    title: str
    text: str


def error_codes() -> list[ErrorCode]:
    """Return every code, by name."""
    kinds = [kind for kind in (AtelierError, *subclasses(AtelierError)) if kind in STATUS]
    codes = [ErrorCode(kind.code, STATUS[kind], kind.title, _sentence(kind)) for kind in kinds]
    return sorted(codes, key=lambda entry: entry.code)


def _sentence(kind: type[AtelierError]) -> str:
    return " ".join((kind.__doc__ or "").split()).removeprefix("Raised when ").removeprefix("Raised ")


@blueprint.get("/openapi.json")
@operation("openapi", {200: documented("This document", {"type": "object"})})
@open_to_all("it is the same for every installation, and says how to use a key")
def openapi() -> Response:
    """Read the OpenAPI 3.1 document."""
    return Response(json.dumps(document()), mimetype="application/json")


@blueprint.get("/docs")
@operation("docs", {200: documented("A page", TEXT, media_type="text/html")})
@open_to_all("it is the same for every installation, and says how to use a key")
def docs() -> Response:
    """Read the same as a page."""
    nonce = secrets.token_urlsafe(16)
    page = render_template("docs.html", info=document()["info"], codes=error_codes(), nonce=nonce)
    return Response(page, mimetype="text/html", headers={CONTENT_POLICY: page_policy(nonce)})


@blueprint.get("/docs/<any({}):name>".format(", ".join(f"'{name}'" for name in ASSETS)))
@open_to_all("a part of the page")
def docs_asset(name: str) -> Response:
    """Send a file of Swagger UI, which the page loads."""
    response = Response((SWAGGER_UI / name).read_bytes(), mimetype=ASSETS[name])
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return conditional(response)


@blueprint.get("/problems/<code>")
@operation("explainProblem", {302: documented("The explanation is there")}, problems=(404,))
@open_to_all("errors name it to those without a key, too")
def explain_problem(code: str) -> Response:
    """Go to the explanation of an error code."""
    if code not in {entry.code for entry in error_codes()}:
        raise RouteNotFound(f"there is no error code {code}")
    return _to_page(f"problem-{code}")


def _to_page(anchor: str) -> Response:
    return Response(status=302, headers={"Location": url_for("about.docs", _anchor=anchor)})
