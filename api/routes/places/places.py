"""The places of the operator's that the caller's batches may name."""

from flask import Response

from api.auth import needs
from api.batches.schemas import PlaceList, PlaceView
from api.openapi import TaggedBlueprint, documented, operation, ref
from api.responses.representation import json_response
from api.services import owner, services
from shared.access.key import Scope
from shared.places.catalog import Places

blueprint = TaggedBlueprint("places", tag="Batches", url_prefix="/v1/places")


@blueprint.get("")
@operation("listPlaces", {200: documented("The places", ref("PlaceList"))}, problems=(503,))
@needs(Scope.READ)
def list_places() -> Response:
    """List the places that your batches may name, by name, as `source` or `destination`.

    The operator names them in its settings, each for everybody or for some owners.
    """
    found = Places(services().settings.place_rules).of(owner())
    views = [PlaceView(object="place", name=each.name, read=each.read, write=each.write) for each in found]
    body = PlaceList(object="list", data=views)
    return json_response(body, headers={"Cache-Control": "private, no-cache"})
