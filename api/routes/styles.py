"""Styles: pictures kept under names, and those that networks have of their own."""

from apiflask import APIBlueprint
from flask import Response, request

from api.content import Content, send
from api.edge_errors import RouteNotFound
from api.form_body import sent_form
from api.identity import owner
from api.links import base_url, style_path
from api.listing import PageQuery, page_answer, parameters_of, read_query
from api.openapi import answer, body, described, ref
from api.pictures import Upload
from api.preconditions import conditional, require_match
from api.request_body import MULTIPART, json_body
from api.resource_views import BuiltinStyle, BuiltinStyles, StylePage, StyleUrls, StyleView
from api.routes.results import BYTES, IF_NONE_MATCH, PICTURE, RANGE
from api.services import card_named, services
from api.style_requests import StyleRequest, parse_style, read_style_form
from api.style_sheets import sheet_of
from shared.cards import ModelCard
from shared.job_view import rfc3339
from shared.style_library import StoredStyle

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
