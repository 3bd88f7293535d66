"""Cards of versions beside the current one."""

from pathlib import Path

import pytest

from shared.cards.card import Catalog, ModelCard, bundled_cards, load_catalog
from shared.errors import CardUnusable, UnknownModel

NAME = "mnist-dcgan"


def card(version: str, **how: object) -> ModelCard:
    bundled = next(card for card in bundled_cards() if card.name == NAME)
    return bundled.model_copy(update={"version": version, **how})


def write(folder: Path, name: str, version: str) -> None:
    (folder / f"{name}.json").write_text(card(version).model_dump_json())


def versions(catalog: Catalog) -> list[str]:
    return [each.reference for each in catalog.versions(NAME)]


def test_a_file_with_a_version_in_its_name_stands_beside_the_current(tmp_path: Path) -> None:
    write(tmp_path, f"{NAME}@5", "5")
    catalog = load_catalog(tmp_path)
    assert (catalog.get(NAME).version, catalog.get(f"{NAME}@5").version) == ("4", "5")
    assert versions(catalog) == [f"{NAME}@4", f"{NAME}@5"]
    assert [each.version for each in catalog if each.name == NAME] == ["4"]
    assert catalog.default("generate").version == "4"
    assert (catalog.get(NAME).reference, catalog.get(f"{NAME}@4").reference) == (NAME, f"{NAME}@4")


def test_a_bundled_version_stays_where_an_own_card_took_its_place(tmp_path: Path) -> None:
    write(tmp_path, NAME, "9")
    catalog = load_catalog(tmp_path)
    assert (catalog.get(NAME).version, versions(catalog)) == ("9", [f"{NAME}@9", f"{NAME}@4"])
    assert catalog.get(f"{NAME}@4").source.type == "builtin"


def test_a_version_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    write(tmp_path, f"{NAME}@5", "5")
    with pytest.raises(UnknownModel, match=r"no version '6'; there are: 4, 5") as refused:
        load_catalog(tmp_path).get(f"{NAME}@6", "generate")
    assert refused.value.errors[0].pointer == "/model"
    with pytest.raises(UnknownModel, match="no model is named 'nobody@1'"):
        load_catalog(tmp_path).get("nobody@1")
    with pytest.raises(UnknownModel, match="no stylize model"):
        load_catalog(tmp_path).get(f"{NAME}@5", "stylize")


def test_a_file_of_another_version_is_at_fault_and_the_current_one_is_not(tmp_path: Path) -> None:
    write(tmp_path, f"{NAME}@5", "6")
    (tmp_path / f"{NAME}@7.json").write_text("{")
    catalog = load_catalog(tmp_path)
    assert catalog.get(NAME).version == "4"
    assert sorted(fault.name for fault in catalog.faults) == [f"{NAME}@5", f"{NAME}@7"]
    with pytest.raises(CardUnusable, match=rf"holds {NAME}@6"):
        catalog.get(f"{NAME}@5")


def test_the_same_version_as_the_current_is_the_current(tmp_path: Path) -> None:
    write(tmp_path, f"{NAME}@4", "4")
    assert versions(load_catalog(tmp_path)) == [f"{NAME}@4"]
    assert [each.reference for each in load_catalog(tmp_path).every() if each.name == NAME] == [
        NAME,
        f"{NAME}@4",
    ]
