import json
from pathlib import Path

import pytest

from shared.cards.card import Catalog, ModelCard, bundled_cards, load_catalog
from shared.errors import UnknownModel


def test_every_kind_has_one_default() -> None:
    for kind in ("generate", "stylize"):
        assert [card.default for card in bundled_cards() if card.kind == kind].count(True) == 1


def test_a_card_of_the_users_wins_by_name(tmp_path: Path) -> None:
    raw = load_catalog().get("magenta-mobile").model_dump() | {"title": "Mine"}
    (tmp_path / "mine.json").write_text(json.dumps(raw))
    assert load_catalog(tmp_path).get("magenta-mobile").title == "Mine"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match="magenta-mobile"):
        load_catalog().get("magenta", "stylize")


@pytest.mark.parametrize("limits", [(1.0, 0.0), (0.5, 0.5), (0.0, float("inf"))])
def test_a_value_range_that_does_not_rise_is_refused(limits: tuple[float, float]) -> None:
    raw = load_catalog().get("magenta-mobile").model_dump() | {"value_range": limits}
    with pytest.raises(ValueError, match="must rise"):
        ModelCard.model_validate(raw)


def test_a_kind_without_a_default_must_be_named() -> None:
    with pytest.raises(UnknownModel, match="must name its model, one of: none is known") as caught:
        Catalog([]).default("transform")
    assert caught.value.errors[0].pointer == "/model"


def test_a_preferred_model_is_one_of_the_same_kind() -> None:
    for card in bundled_cards():
        if card.prefers is not None:
            assert load_catalog().get(card.prefers, card.kind).prefers is None
