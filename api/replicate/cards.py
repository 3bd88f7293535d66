"""Models as this face names them: `atelier/NAME`, and a version's id."""

from api.services import card_named, services
from shared.cards.card import ModelCard
from shared.errors import UnknownModel
from shared.replicate.prediction import OWNER, version_id


def id_of(card: ModelCard) -> str:
    """Return the id of a version of a model."""
    return version_id(card.name, card.version)


def card_at(owner: str, name: str) -> ModelCard:
    """Return the card of the model at an address; raise UnknownModel or CardUnusable."""
    if owner != OWNER:
        raise UnknownModel(f"no model is named {owner}/{name}: all of them are {OWNER}'s")
    return card_named(name)


def card_of_version(version: str) -> ModelCard:
    """Return the card that `version` of a request names: by id, `owner/name`, or `owner/name:id`.

    An id keeps its version while another one is rolled out.

    Raises UnknownModel, which names the field.
    """
    name, _, wanted = version.rpartition(":") if ":" in version else ("", "", version)
    for card in services().catalog.every():
        full = f"{OWNER}/{card.name}"
        if version == full:
            return card
        if wanted == id_of(card) and name in ("", full):
            return card.pinned() if card.name in services().rollouts.recent() else card
    raise UnknownModel.of_field(
        "/version",
        f"no version {version[:200]!r}: give the id of a model's latest_version, or {OWNER}/NAME; "
        "GET /replicate/v1/models lists them",
    )
