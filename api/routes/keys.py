"""API keys: create, list, revoke. `atelier keys` does the same on the machine of the service."""

from flask import Response

from api.audit import audit
from api.auth import needs, own_identity
from api.openapi import TaggedBlueprint, body, documented, listed, operation, ref
from api.requests.body import json_body
from api.requests.field_errors import validated
from api.requests.key_request import KeyRequest
from api.requests.query import PageQuery, parameters_of, read_query
from api.responses.key_views import IdentityView, KeyPage, key_view, new_key_view
from api.responses.representation import json_response, page_response
from api.services import services
from shared.access.key import Scope, scopes_to_text
from shared.access.store import KeyStore
from shared.audit import Event

blueprint = TaggedBlueprint("keys", tag="Keys", url_prefix="/v1/keys")


def _store() -> KeyStore:
    return KeyStore(services().store.scripts)


@blueprint.post("")
@operation(
    "createKey",
    {201: documented("The key; its text is shown this once", ref("NewKeyView"))},
    problems=(400, 413, 415, 422, 503),
    request_body=body({"application/json": ref("KeyRequest")}),
)
@needs(Scope.ADMIN)
def create_key() -> Response:
    """Create a key.

    Its text is in this response and nowhere else. From the first key on, no request is answered without one.
    """
    wanted = validated(KeyRequest, json_body())
    key, text = _store().create(
        wanted.name,
        owner=wanted.owner or wanted.name,
        scopes=frozenset(wanted.scopes),
        expires_seconds=wanted.expires_seconds,
    )
    audit(Event.KEY_CREATED, subject=key.id, subject_owner=key.owner, scopes=scopes_to_text(key.scopes))
    return json_response(new_key_view(key, str(text)), 201, {"Cache-Control": "no-store"})


@blueprint.get("")
@operation("listKeys", listed("keys", "KeyPage"), problems=(422, 503), parameters=parameters_of(PageQuery))
@needs(Scope.ADMIN)
def list_keys() -> Response:
    """List all keys, newest first, revoked and expired ones too; never their texts."""
    query = read_query(PageQuery)
    return page_response(KeyPage, _store().page(limit=query.limit, cursor=query.cursor), key_view)


@blueprint.get("/self")
@operation("getOwnKey", {200: documented("In whose name it is made", ref("IdentityView"))}, problems=(503,))
@needs(Scope.READ)
def get_own_key() -> Response:
    """Read in whose name this request is made, and what it may do: of its key, or without one."""
    identity = own_identity()
    return json_response(
        IdentityView(
            object="identity",
            owner=identity.owner,
            key=None if identity.key is None else key_view(identity.key),
            scopes=[scope for scope in Scope if identity.allows(scope)],
        ),
        headers={"Cache-Control": "no-store"},
    )


@blueprint.delete("/<key_id>")
@operation("revokeKey", {204: documented("The key is refused from now on")}, problems=(404, 503))
@needs(Scope.ADMIN)
def revoke_key(key_id: str) -> Response:
    """Revoke a key.

    Every API process refuses it within a second; event streams and downloads that it opened break off.
    What it made stays with its owner.
    """
    _store().revoke(key_id)
    audit(Event.KEY_REVOKED, subject=key_id)
    return Response(status=204)
