"""A folder of cards that people write: the good ones go on, whatever else lies there, and that is named."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.cards.card import Catalog, bundled_cards, load_catalog
from shared.errors import CardUnusable, UnknownModel
from tests.support.models.generator_cards import generator_card
from tests.support.models.model_cards import stylize_card, transform_card

BUNDLED = {card.name for card in bundled_cards()}
GOOD = stylize_card({"type": "saved_model", "path": "/networks/painter"})


def card_json(**changes: object) -> bytes:
    return json.dumps(GOOD.model_dump(mode="json") | changes).encode()


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


BAD = {
    "half written": (written(b'{"name": "half"}'), "kind"),
    "torn": (written(card_json(name="half")[:-9]), ""),
    "empty": (written(b""), ""),
    "no JSON": (written(b"name: half"), ""),
    "binary": (written(bytes(range(256)) * 9), ""),
    "another encoding": (written(card_json(name="half", title="?").replace(b"?", b"\xe9")), ""),
    "a list": (written(b"[]"), ""),
    "null": (written(b"null"), ""),
    "deeply nested": (written(b"[" * 200_000), ""),
    "huge": (written(card_json(description="x" * 3_000_000)), ""),
    "a wrong type": (written(card_json(name="half", max_side="large")), "max_side"),
    "an unknown field": (written(card_json(name="half", colour=1)), "colour"),
    "a field below": (written(card_json(name="half", source={"type": "url", "url": "x"})), "source.sha256"),
    "an unknown source": (written(card_json(name="half", source={"type": "ftp"})), "source"),
    "a name that is none": (written(card_json(name="A b")), "name"),
    "a folder": (Path.mkdir, ""),
    "a link to nothing": (lambda path: path.symlink_to(path.parent / "gone"), ""),
    "a link to itself": (lambda path: path.symlink_to(path), ""),
    "a pipe": (os.mkfifo, ""),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_unavailable_by_path_and_field_and_the_rest_goes_on(tmp_path: Path, kind: str) -> None:
    make, field = BAD[kind]
    make(tmp_path / "half.json")
    (tmp_path / "painter.json").write_bytes(card_json())
    catalog = load_catalog(tmp_path)
    assert {card.name for card in catalog} == {*BUNDLED, "painter"}
    (fault,) = catalog.faults
    assert (fault.path, fault.field, fault.name) == (tmp_path / "half.json", field, "half")
    assert fault.detail
    with pytest.raises(CardUnusable) as caught:
        catalog.get("half")
    (error,) = caught.value.errors
    assert error.pointer == "/model"
    assert str(tmp_path / "half.json") in error.detail
    assert field in error.detail
    assert catalog.default("stylize").name == "magenta-mobile"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "generate"}, "latent"),
        ({"min_side": 100, "max_side": 99}, "min_side"),
        ({"style_side": 0}, "style_side"),
        ({"parameters": {"strength": {"minimum": 0, "maximum": 1, "default": 2}}}, "default"),
        ({"parameters": {"strength": {"minimum": 1, "maximum": 0, "default": 0}}}, "minimum"),
        ({"parameters": {"strengh": {"minimum": 0, "maximum": 1, "default": 1}}}, "strengh"),
        ({"parameters": {"count": {"minimum": 1, "maximum": 9, "default": 1}}}, "count"),
        ({"prefers": "nobody"}, "prefers"),
        ({"prefers": "mnist-dcgan"}, "prefers"),
    ],
)
def test_a_card_that_contradicts_itself_is_named(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    (tmp_path / "painter.json").write_bytes(card_json(**changes))
    (fault,) = load_catalog(tmp_path).faults
    assert told in str(fault)


def test_a_card_of_another_files_name_is_named_by_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(b'{"name": "relief", "kind": "transform"}')
    catalog = load_catalog(tmp_path)
    assert [fault.name for fault in catalog.faults] == ["relief"]
    with pytest.raises(CardUnusable, match=r"mine\.json"):
        catalog.get("relief")
    with pytest.raises(UnknownModel, match=r"is named 'mine'"):
        catalog.get("mine")


def test_of_two_cards_of_one_name_the_file_of_that_name_serves(tmp_path: Path) -> None:
    (tmp_path / "painter-old.json").write_bytes(card_json(title="Old"))
    (tmp_path / "painter.json").write_bytes(card_json(title="New"))
    catalog = load_catalog(tmp_path)
    assert catalog.get("painter").title == "New"
    (fault,) = catalog.faults
    assert (fault.path.name, fault.field) == ("painter-old.json", "name")
    assert "painter.json" in fault.detail


def test_a_bad_card_for_a_bundled_model_is_not_replaced_in_silence(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(b'{"name": "magenta-mobile"}')
    catalog = load_catalog(tmp_path)
    assert {card.name for card in catalog} == BUNDLED - {"magenta-mobile"}
    for ask in (lambda: catalog.get("magenta-mobile", "stylize"), lambda: catalog.default("stylize")):
        with pytest.raises(CardUnusable, match=r"mine\.json"):
            ask()
    assert catalog.default("generate").name == "mnist-dcgan"


def test_a_good_card_keeps_its_name_though_a_bad_file_is_called_like_it(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_bytes(card_json())
    (tmp_path / "painter.json").write_bytes(b"{")
    catalog = load_catalog(tmp_path)
    assert catalog.get("painter") == GOOD
    assert [fault.path.name for fault in catalog.faults] == ["painter.json"]


def test_a_mended_card_is_taken_at_once_and_both_are_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "atelier.cards")
    path = tmp_path / "painter.json"
    path.write_bytes(card_json(version=7))
    catalog = load_catalog(tmp_path)
    for _ in range(3):
        assert len(catalog.faults) == 1
    (record,) = caplog.records
    assert (record.levelname, vars(record)["path"], vars(record)["field"]) == (
        "WARNING",
        str(path),
        "version",
    )
    path.write_bytes(card_json())
    assert catalog.get("painter") == GOOD
    assert catalog.faults == ()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cards").touch()
    catalog = load_catalog(tmp_path / "cards")
    assert {card.name for card in catalog} == BUNDLED
    assert [fault.path for fault in catalog.faults] == [tmp_path / "cards"]


def test_a_folder_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert load_catalog(tmp_path / "cards").faults == ()


SOUND = [
    card_json(),
    generator_card(Path("/networks/blocks")).model_dump_json().encode(),
    transform_card(Path("/networks/changer")).model_dump_json().encode(),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sound=st.sampled_from(SOUND), cut=st.integers(0, 600), junk=st.binary(max_size=40), data=st.data())
def test_no_bytes_of_one_file_touch_another_card(
    tmp_path: Path, sound: bytes, cut: int, junk: bytes, data: st.DataObject
) -> None:
    rest = data.draw(st.integers(cut, 700))
    (tmp_path / "touched.json").write_bytes(sound[:cut] + junk + sound[rest:])
    (tmp_path / "good.json").write_bytes(card_json(name="untouched"))
    catalog = Catalog(bundled_cards(), tmp_path)
    names = {card.name for card in catalog}
    masked = {fault.name for fault in catalog.faults}
    assert "untouched" in names
    assert names >= BUNDLED - masked
    assert len(names - BUNDLED - {"untouched"}) + len(catalog.faults) == 1
