"""Models and their versions."""

from typing import Any

from flask import Blueprint, Response

from api.auth import needs
from api.errors import BadRequest
from api.jobs.workers import AvailableModels
from api.replicate.cards import card_at, id_of
from api.replicate.pages import json_of, page_of
from api.replicate.schemas import openapi_schema
from api.requests.body import whole_body
from api.services import base_url, services
from shared.access.key import Scope
from shared.cards.card import ModelCard
from shared.errors import UnknownModel
from shared.replicate.prediction import OWNER

blueprint = Blueprint("models", __name__, url_prefix="/models")

LONGEST_SEARCH = 1000  # bytes
# The least that has today's schemas; clients look for nothing else in it.
COG_VERSION = "0.3.9"
UNKNOWN_TIME = "1970-01-01T00:00:00Z"  # a card does not say when it was written
NO_ADDRESSES = ("github_url", "paper_url", "license_url", "cover_image_url", "default_example")

Json = dict[str, Any]


def version_of(card: ModelCard) -> Json:
    """Return the version of a model."""
    return {
        "id": id_of(card),
        "created_at": UNKNOWN_TIME,
        "cog_version": COG_VERSION,
        "openapi_schema": openapi_schema(card),
    }


def model_of(card: ModelCard) -> Json:
    """Return a model. How often it ran would tell of other owners, so that is always 0."""
    return {
        "url": f"{base_url()}/v1/models/{card.name}",
        "owner": OWNER,
        "name": card.name,
        "description": f"{card.title}. {card.description}",
        "visibility": "public",
        "run_count": 0,
        "is_official": False,
        "latest_version": version_of(card),
        **dict.fromkeys(NO_ADDRESSES),
    }


def _there() -> list[ModelCard]:
    """Return the models that can be run, as far as that is known."""
    models = AvailableModels(services())
    return [card for card in services().catalog if models.has(card) is not False]


@blueprint.get("")
@needs(Scope.READ)
def list_models() -> Response:
    """List the models that workers have."""
    return page_of([model_of(card) for card in _there()])


@blueprint.route("", methods=["QUERY"])
@needs(Scope.READ)
def search_models() -> Response:
    """List the models whose name or description has all words of the body."""
    words = _text().strip().strip('"').lower().split()  # the JavaScript client sends JSON text
    found = [card for card in _there() if all(word in _searched(card) for word in words)]
    return page_of([model_of(card) for card in found])


def _text() -> str:
    try:
        return whole_body(LONGEST_SEARCH, "a search").decode()
    except UnicodeDecodeError as error:
        raise BadRequest("a search must be text in UTF-8") from error


def _searched(card: ModelCard) -> str:
    return f"{OWNER}/{card.name} {card.title} {card.description}".lower()


@blueprint.get("/<model_owner>/<name>")
@needs(Scope.READ)
def get_model(model_owner: str, name: str) -> Response:
    """Read a model."""
    return json_of(model_of(card_at(model_owner, name)))


@blueprint.get("/<model_owner>/<name>/versions")
@needs(Scope.READ)
def list_versions(model_owner: str, name: str) -> Response:
    """List a model's versions, the current first."""
    return page_of([version_of(card) for card in _versions(card_at(model_owner, name))])


@blueprint.get("/<model_owner>/<name>/versions/<version>")
@needs(Scope.READ)
def get_version(model_owner: str, name: str, version: str) -> Response:
    """Read a version of a model."""
    current = card_at(model_owner, name)
    card = next((card for card in _versions(current) if id_of(card) == version), None)
    if card is None:
        raise UnknownModel(f"{OWNER}/{current.name} has no version {version[:80]}, or not any more")
    return json_of(version_of(card))


def _versions(card: ModelCard) -> tuple[ModelCard, ...]:
    return services().catalog.versions(card.name)
