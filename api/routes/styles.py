"""Styles: pictures kept under names, and those that networks have of their own."""

from functools import cache
from importlib import resources

from apiflask import APIBlueprint
from flask import Response, request

from api.auth import owner
from api.errors import RouteNotFound
from api.openapi import answer, body, described, ref
from api.requests.body import MULTIPART, json_body
from api.requests.forms import sent_form
from api.requests.pictures import Upload
from api.requests.query import PageQuery, parameters_of, read_query
from api.requests.style_request import StyleRequest, parse_style, read_style_form
from api.responses.content import Content, send
from api.responses.page import page_answer
from api.responses.preconditions import conditional, require_match
from api.responses.urls import base_url, style_path
from api.responses.views import BuiltinStyle, BuiltinStyles, StylePage, StyleUrls, StyleView
from api.routes.job_results import BYTES, IF_NONE_MATCH, PICTURE, RANGE
from api.services import card_named, services
from shared.cards.card import ModelCard
from shared.files.style_library import StoredStyle
from shared.jobs.views import rfc3339

blueprint = APIBlueprint("styles", __name__, tag="Styles", url_prefix="/v1/styles")

_FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "The name under which jobs find the style."},
        "image": {**PICTURE, "description": "The picture, or the id of an uploaded file."},
    },
    "required": ["name", "image"],
    "additionalProperties": False,
}
_WHERE = {"Location": "Where the style is."}
_NEXT = {"Link": "The next page, where there is one."}


def _view(style: StoredStyle) -> StyleView:
    home = base_url() + style_path(style.name)
    return StyleView(
        name=style.name,
        object="style",
        image=style.file,
        created_at=rfc3339(style.created_at),
        urls=StyleUrls(self=home, image=f"{home}/image"),
    )


def _builtin(card: ModelCard) -> BuiltinStyles:
    sheet = f"{base_url()}/v1/styles/builtin/{card.name}/sheet" if sheet_of(card) else None
    styles = [BuiltinStyle(number=i, name=name) for i, name in enumerate(card.builtin_styles)]
    return BuiltinStyles(model=card.name, styles=styles, sheet_url=sheet)


@blueprint.post("")
@described(
    blueprint,
    "addStyle",
    {
        200: answer("The same style was there", ref("StyleView"), headers=_WHERE),
        201: answer("The style is kept", ref("StyleView"), headers=_WHERE),
    },
    problems=(400, 409, 413, 415, 422, 503, 507),
    request_body=body({MULTIPART: _FORM, "application/json": ref("StyleRequest")}),
)
def add_style() -> Response:
    """Keep a picture as a style under a name.

    Jobs then give the name in the place of a picture. A name means one picture until it is deleted.
    """
    wanted, uploads = _wanted()
    for upload in uploads:
        services().files.add(owner(), upload.data, upload.info)
    style, created = services().styles.add(owner(), wanted.name, wanted.image)
    response = Response(_view(style).model_dump_json(), 201 if created else 200, mimetype="application/json")
    response.headers["Location"] = base_url() + style_path(style.name)
    return response


def _wanted() -> tuple[StyleRequest, list[Upload]]:
    if request.is_json:
        return parse_style(json_body()), []
    return read_style_form(services(), *sent_form(MULTIPART))


@blueprint.get("")
@described(
    blueprint,
    "listStyles",
    {200: answer("A page of styles", ref("StylePage"), headers=_NEXT)},
    problems=(422, 503),
    parameters=parameters_of(PageQuery),
)
def list_styles() -> Response:
    """List the stored styles, newest first, and every network's own styles."""
    query = read_query(PageQuery)
    page = services().styles.page(owner(), limit=query.limit, cursor=query.cursor)
    styles = StylePage(
        object="list",
        data=[_view(style) for style in page.styles],
        next_cursor=page.next_cursor,
        builtin=[_builtin(card) for card in services().catalog if card.builtin_styles],
    )
    return page_answer(styles, page.next_cursor)


@blueprint.get("/<name>")
@described(blueprint, "getStyle", {200: answer("The style", ref("StyleView"))}, problems=(404, 503))
def get_style(name: str) -> Response:
    """Read what is known of a stored style."""
    view = _view(services().styles.get(owner(), name))
    return Response(view.model_dump_json(), mimetype="application/json")


@blueprint.get("/<name>/image")
@described(blueprint, "getStyleImage", BYTES, problems=(404, 416, 503), parameters=(RANGE, IF_NONE_MATCH))
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
    return send(content, services().objects, cache="private, no-cache")  # the name may mean another one day


@blueprint.delete("/<name>")
@described(blueprint, "deleteStyle", {204: answer("The style is forgotten")}, problems=(404, 503))
def delete_style(name: str) -> Response:
    """Forget a style. Its file stays, and so do jobs that named it."""
    require_match(None)
    services().styles.delete(owner(), name)
    return Response(status=204)


@blueprint.get("/builtin/<model>/sheet")
@described(
    blueprint,
    "getStyleSheet",
    {
        200: answer("The picture", PICTURE, media_type="image/*"),
        304: answer("The client has the picture already"),
    },
    problems=(404, 503),
    parameters=(IF_NONE_MATCH,),
)
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
    """Return the JPEG of a model's built-in styles, None where there is none of this very version."""
    return _read(f"{card.name}-{card.version}.jpg") if card.builtin_styles else None


@cache
def _read(name: str) -> bytes | None:
    file = resources.files("api") / "builtin_styles" / name
    return file.read_bytes() if file.is_file() else None
