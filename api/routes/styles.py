"""Styles: named pictures, and the built-in styles of networks."""

from functools import cache
from importlib import resources

from flask import Response, request

from api.auth import needs
from api.errors import RouteNotFound
from api.jobs.addresses import pictures_at
from api.openapi import (
    BYTES,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    PICTURE,
    PICTURE_SENT,
    RANGE,
    SIGNATURE,
    TaggedBlueprint,
    body,
    documented,
    listed,
    operation,
    ref,
)
from api.requests.body import MULTIPART, json_body
from api.requests.forms import sent_form
from api.requests.pictures import Upload
from api.requests.query import PageQuery, parameters_of, read_query
from api.requests.style_request import StyleRequest, parse_style, read_style_form
from api.responses.content import Content, send
from api.responses.representation import conditional, json_response, page_response, require_match
from api.responses.views import BuiltinStyle, BuiltinStyles, StylePage, StyleUrls, StyleView
from api.services import base_url, card_named, links, owner, services
from shared.access.key import Scope
from shared.cards.card import ModelCard
from shared.files.style_library import StoredStyle
from shared.jobs.views import rfc3339
from shared.specs.parts import is_address

blueprint = TaggedBlueprint("styles", tag="Styles", url_prefix="/v1/styles")

_FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "The name under which jobs find the style."},
        "image": {**PICTURE, "description": "The picture, the id of an uploaded file, or an address."},
    },
    "required": ["name", "image"],
    "additionalProperties": False,
}
_WHERE = {"Location": "Where the style is."}


def _view(style: StoredStyle) -> StyleView:
    home = f"{base_url()}/v1/styles/{style.name}"
    return StyleView(
        name=style.name,
        object="style",
        image=style.file,
        created_at=rfc3339(style.created_at),
        urls=StyleUrls(self=home, image=links().signed(f"/v1/styles/{style.name}/image")),
    )


def _builtin(card: ModelCard) -> BuiltinStyles:
    sheet = links().signed(f"/v1/styles/builtin/{card.name}/sheet") if sheet_of(card) else None
    styles = [BuiltinStyle(number=i, name=name) for i, name in enumerate(card.builtin_styles)]
    return BuiltinStyles(model=card.name, styles=styles, sheet_url=sheet)


@blueprint.post("")
@operation(
    "addStyle",
    {
        200: documented("The same style was there", ref("StyleView"), headers=_WHERE),
        201: documented("The style is kept", ref("StyleView"), headers=_WHERE),
    },
    problems=(400, 409, 413, 415, 422, 429, 503, 507),
    request_body=body({MULTIPART: _FORM, "application/json": ref("StyleRequest")}),
)
@needs(Scope.SUBMIT)
def add_style() -> Response:
    """Keep a picture as a style under a name.

    Jobs then give the name in the place of a picture. A name means one picture until it is deleted.
    """
    wanted, uploads = _wanted()
    image = wanted.image
    if is_address(image):
        uploads = [pictures_at(services(), {image: "/image"}, owner())[image]]
        image = uploads[0].file_id
    for upload in uploads:
        services().files.add(owner(), upload.data, upload.info)
    services().memory.check()
    style, created = services().styles.add(owner(), wanted.name, image)
    view = _view(style)
    return json_response(view, 201 if created else 200, {"Location": view.urls.self})


def _wanted() -> tuple[StyleRequest, list[Upload]]:
    if request.is_json:
        return parse_style(json_body(pictures=True)), []
    return read_style_form(services(), *sent_form(MULTIPART))


@blueprint.get("")
@operation(
    "listStyles",
    listed("styles", "StylePage"),
    problems=(422, 503),
    parameters=parameters_of(PageQuery),
)
@needs(Scope.READ)
def list_styles() -> Response:
    """List the stored styles, newest first, and every network's own styles."""
    query = read_query(PageQuery)
    page = services().styles.page(owner(), limit=query.limit, cursor=query.cursor)
    builtin = [_builtin(card) for card in services().catalog if card.builtin_styles]
    return page_response(StylePage, page, _view, builtin=builtin)


@blueprint.get("/<name>")
@operation("getStyle", {200: documented("The style", ref("StyleView"))}, problems=(404, 503))
@needs(Scope.READ)
def get_style(name: str) -> Response:
    """Read what is known of a stored style."""
    return json_response(_view(services().styles.get(owner(), name)))


@blueprint.get("/<name>/image")
@operation("getStyleImage", BYTES, problems=(404, 416, 503), parameters=(RANGE, IF_NONE_MATCH, *SIGNATURE))
@needs(Scope.READ, signed=True)
def get_style_image(name: str) -> Response:
    """Download the picture of a stored style, as it was uploaded."""
    style = services().styles.get(owner(), name)
    file = services().files.get(owner(), style.file)
    content = Content(
        key=file.key,
        media_type=file.media_type,
        size=file.bytes,
        sha256=file.sha256,
        name=f"{style.name}.{file.media_type.rpartition('/')[2]}",
    )
    # No caching: the name may later belong to another picture.
    return send(content, services().objects, cache="private, no-cache")


@blueprint.delete("/<name>")
@operation("deleteStyle", {204: documented("The style is forgotten")}, problems=(404, 503))
@needs(Scope.SUBMIT)
def delete_style(name: str) -> Response:
    """Forget a style. Its file stays, and so do jobs that named it."""
    require_match(None)
    services().styles.delete(owner(), name)
    return Response(status=204)


@blueprint.get("/builtin/<model>/sheet")
@operation(
    "getStyleSheet",
    {200: PICTURE_SENT, **NOT_MODIFIED},
    problems=(404, 503),
    parameters=(IF_NONE_MATCH, *SIGNATURE),
)
@needs(Scope.READ, signed=True)
def get_style_sheet(model: str) -> Response:
    """Look at all built-in styles of a network, by number, on one picture."""
    sheet = sheet_of(card_named(model))
    if sheet is None:
        raise RouteNotFound(f"there is no picture of built-in styles of {model}")
    response = Response(sheet, mimetype="image/jpeg")
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.add_etag()
    return conditional(response)


def sheet_of(card: ModelCard) -> bytes | None:
    """Return the JPEG of a model's built-in styles; None if there is none for exactly this version."""
    return _read(f"{card.name}-{card.version}.jpg") if card.builtin_styles else None


@cache
def _read(name: str) -> bytes | None:
    file = resources.files("api") / "builtin_styles" / name
    return file.read_bytes() if file.is_file() else None
