import json
from pathlib import Path

import pytest

from shared.cards import bundled_cards, load_catalog
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
