"""A request to keep a style, as JSON or as a form."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.requests.field_errors import combined, validated
from api.requests.form_fields import given
from api.requests.pictures import (
    Fields,
    Parts,
    Upload,
    fault,
    probe_parts,
    read_picture,
    unknown_fields,
    with_hint,
)
from api.services import Services
from shared.errors import AtelierError, InvalidRequest
from shared.specs.parts import STYLE_NAME, PictureName


class StyleRequest(BaseModel):
    """A picture, and the name to keep it under."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[
        str, Field(pattern=STYLE_NAME, description="Lower case; not of digits alone: those are numbers.")
    ]
    image: PictureName = Field(description="Id of an uploaded file, or an address of a picture.")

    @field_validator("name")
    @classmethod
    def _is_no_number(cls, name: str) -> str:
        if name.isdigit():
            raise ValueError("name must hold a letter: digits alone are the number of a built-in style")
        return name


def parse_style(raw: object) -> StyleRequest:
    """Return the request that a JSON value holds; raise InvalidRequest that names every fault."""
    return validated(StyleRequest, raw)


def read_style_form(services: Services, fields: Fields, parts: Parts) -> tuple[StyleRequest, list[Upload]]:
    """Return the request that a form holds, and the picture that came with it, probed."""
    faults: list[AtelierError] = [
        *unknown_fields(fields, ("name", "image")),
        *unknown_fields(parts, ("image",), ("name",)),
    ]
    names = given(fields.getlist("name"))
    if len(names) > 1:
        faults.append(fault("/name", "name may be given once", "repeated_field"))
    image, sent = read_picture("image", fields, parts, faults)
    uploads = probe_parts(services, sent, faults)
    raw: dict[str, Any] = {"name": names[0] if names else None, "image": image}
    try:
        request = parse_style({name: value for name, value in raw.items() if value is not None})
    except InvalidRequest as error:
        named = {entry.pointer for known in faults for entry in known.errors}
        hinted = with_hint(error, "image", given(fields.getlist("image"))).errors
        rest = [InvalidRequest(errors=[entry]) for entry in hinted if entry.pointer not in named]
        raise combined([*faults, *rest]) from error
    if faults:
        raise combined(faults)
    return request, uploads
