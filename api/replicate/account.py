"""Who asks, and the secret with which their webhooks are signed."""

from flask import Blueprint, Response

from api.auth import needs
from api.replicate.pages import json_of
from api.services import caller_name, owner, services
from shared.access.key import Scope
from shared.webhooks.store import WebhookSecrets

blueprint = Blueprint("account", __name__)


@blueprint.get("/account")
@needs(Scope.READ)
def get_account() -> Response:
    """Read whose key it is, and what the key is called."""
    return json_of({"type": "user", "username": owner(), "name": caller_name(), "github_url": None})


@blueprint.get("/webhooks/default/secret")
@needs(Scope.ADMIN)
def get_secret() -> Response:
    """Read the secret that receivers verify signatures with.

    Other keys than an admin's are shown it nowhere: who finds one could sign what receivers believe.
    """
    secrets = WebhookSecrets(services().store.scripts, services().settings.webhook.secrets)
    response = json_of({"key": secrets.current(owner())[0]})
    response.headers["Cache-Control"] = "no-store"
    return response
