"""`atelier models` and `atelier doctor` beside cards at fault, and networks that were exported again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atelier.cli import main
from atelier.doctor import Level, installation_checks
from shared.cards.card import Catalog
from shared.errors import UnknownModel
from shared.setting_groups import WorkerSettings
from shared.settings import Settings
from tests.support.models.model_cards import transform_card

Run = Callable[..., Result]
HALF = '{"name": "half", "kind": "transform"}'


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path))
    settings = Settings.from_env()
    settings.cards.mkdir()
    return settings


@pytest.fixture
def run(settings: Settings) -> Run:
    return lambda *arguments: CliRunner().invoke(main, ["models", *arguments])


@pytest.fixture
def network(settings: Settings, tmp_path: Path) -> Path:
    """A folder with the files of a SavedModel, which the card `mine` names, and that was pulled."""
    folder = tmp_path / "network"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")
    (settings.cards / "mine.json").write_text(transform_card(folder, name="mine").model_dump_json())
    assert CliRunner().invoke(main, ["models", "pull", "mine"]).exit_code == 0
    return folder


def test_the_list_shows_a_card_at_fault_and_all_others(run: Run, settings: Settings) -> None:
    path = settings.cards / "half.json"
    path.write_text(HALF)
    answer = run("list", "--json")
    rows = {row["name"]: row for row in json.loads(answer.stdout)}
    assert (rows["half"]["path"], rows["half"]["field"]) == (str(path), "version")
    assert rows["magenta-mobile"]["weights"] == "not pulled"
    answer = run("list")
    assert answer.exit_code == 0
    assert f"warning: {path}: version is missing" in answer.stderr


@pytest.mark.parametrize("command", ["pull", "verify"])
def test_naming_a_model_whose_card_is_at_fault_tells_file_and_field(
    run: Run, settings: Settings, command: str
) -> None:
    (settings.cards / "half.json").write_text(HALF)
    answer = run(command, "half")
    assert answer.exit_code == 1
    assert f"{settings.cards / 'half.json'}: version is missing" in answer.stderr


def test_one_pull_that_fails_stops_no_other(run: Run, network: Path, settings: Settings) -> None:
    nowhere = transform_card(network.parent / "nowhere", name="gone")
    (settings.cards / "gone.json").write_text(nowhere.model_dump_json())
    answer = run("pull", "gone", "mine")
    assert answer.exit_code == 1
    assert "nowhere is not the folder of a SavedModel" in answer.stderr
    assert answer.stdout.startswith("mine 1: ")


@pytest.mark.parametrize("command", ["pull", "verify"])
def test_a_name_that_nobody_knows_and_a_card_at_fault_stop_no_other(
    run: Run, network: Path, settings: Settings, command: str
) -> None:
    (settings.cards / "half.json").write_text(HALF)
    answer = run(command, "typo", "half", "mine")
    assert answer.exit_code == 1
    assert answer.stdout.startswith("mine 1: ")
    assert "no model is named 'typo'; known: " in answer.stderr
    assert f"{settings.cards / 'half.json'}: version is missing" in answer.stderr


def test_a_kind_without_models_is_told_instead_of_an_empty_list() -> None:
    with pytest.raises(
        UnknownModel, match=r"^no transform model is named 'nope'; none is known; write a card$"
    ):
        Catalog([]).get("nope", "transform")


@pytest.mark.parametrize("change", ["other bytes", "same size", "one more", "one less"])
def test_a_network_exported_again_under_its_version_is_told_everywhere(
    run: Run, network: Path, settings: Settings, change: str
) -> None:
    assert json.loads(run("list", "--json").stdout)[-1]["problem"] == ""
    changes = {
        "other bytes": lambda: (network / "saved_model.pb").write_bytes(b"another graph"),
        "same size": lambda: (network / "saved_model.pb").write_bytes(b"GRAPH"),
        "one more": lambda: (network / "assets").write_bytes(b"words"),
        "one less": lambda: (network / "variables" / "variables.index").unlink(),
    }
    changes[change]()
    pulled = run("pull", "mine")
    assert pulled.exit_code == 1
    for output in (pulled.stderr, run("list").stderr):
        assert "is not what was pulled as mine 1" in output
        assert "atelier models pull --replace mine" in output
    findings = {finding.name: finding for finding in installation_checks.check_models(settings)}
    assert findings["model mine"].level is Level.WARN
    assert run("pull", "--replace", "mine").exit_code == 0
    assert run("list").stderr == ""
    assert run("pull", "mine").exit_code == 0


def test_a_source_that_is_copied_or_gone_is_no_change(run: Run, network: Path) -> None:
    shutil.copyfile(network / "saved_model.pb", network / "copy")
    (network / "copy").replace(network / "saved_model.pb")  # the same bytes, another time
    assert run("list").stderr == ""
    shutil.rmtree(network)
    assert run("list").stderr == ""


def test_replace_wants_names(run: Run) -> None:
    answer = run("pull", "--replace")
    assert answer.exit_code == 2
    assert "NAMES" in answer.stderr


def test_the_doctor_names_cards_at_fault_and_models_that_nobody_knows(settings: Settings) -> None:
    path = settings.cards / "half.json"
    assert [finding.level for finding in installation_checks.check_cards(settings)] == [Level.OK]
    path.write_text(HALF)
    worker = WorkerSettings(preload="half, magenta-v1-256,nobody")
    findings = installation_checks.check_cards(settings.model_copy(update={"worker": worker}))
    assert [finding.level for finding in findings] == [Level.FAIL, Level.FAIL]
    assert findings[0].text.startswith(f"{path}: version is missing")
    assert "'nobody'" in findings[1].text
