import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.cards.card import ModelCard
from shared.errors import ModelCorrupt, ModelUnavailable
from shared.settings import SettingsError
from tests.support.models.model_cards import stylize_card
from worker.models.files.manifest import MANIFEST_FILE
from worker.models.sources import PullStep
from worker.models.store import ModelStore

ROOT = Path(__file__).parents[3]
PULL = """
import os, signal, sys
from pathlib import Path
from shared.cards.card import ModelCard
from worker.models.store import ModelStore

def on_step(step):
    print(step.step, flush=True)
    if step.step == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

ModelStore(Path(sys.argv[1])).pull(ModelCard.model_validate_json(Path(sys.argv[2]).read_bytes()), on_step)
"""


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def start_pull(tmp_path: Path, card: ModelCard, die_at: str = "never") -> subprocess.Popen[str]:
    """Pull in another process; it kills itself at a step when told so."""
    path = tmp_path / "card.json"
    path.write_text(card.model_dump_json())
    command = [sys.executable, "-c", PULL, str(tmp_path / "store"), str(path), die_at]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_a_pulled_model_is_found_opened_and_listed(store: ModelStore, plain_card: ModelCard) -> None:
    stored = store.pull(plain_card)
    assert store.find(plain_card) == store.open(plain_card) == store.verify(plain_card) == stored
    assert store.list() == (stored,)
    assert (stored.folder / "variables" / "variables.index").is_file()
    assert stored.bytes == 12_000


def test_the_manifest_says_what_the_folder_holds(store: ModelStore, plain_card: ModelCard) -> None:
    manifest = json.loads((store.pull(plain_card).folder / MANIFEST_FILE).read_text())
    assert (manifest["name"], manifest["version"]) == ("painter", "1")
    assert manifest["source"] == plain_card.source.model_dump()
    assert [(file["path"], file["bytes"]) for file in manifest["files"]] == [
        ("saved_model.pb", 5000),
        ("variables/variables.index", 7000),
    ]
    assert len(manifest["digest"]) == 64


def test_equal_files_have_equal_digests_wherever_they_lie(tmp_path: Path, plain_card: ModelCard) -> None:
    digests = {ModelStore(tmp_path / root).pull(plain_card).manifest.digest for root in ("one", "two")}
    assert len(digests) == 1


def test_pulling_again_does_nothing(store: ModelStore, plain_card: ModelCard) -> None:
    first, steps = store.pull(plain_card), list[PullStep]()
    assert store.pull(plain_card, steps.append) == first
    assert steps == []


def test_a_pull_reports_its_steps_and_every_byte_it_checks(store: ModelStore, plain_card: ModelCard) -> None:
    steps: list[PullStep] = []
    store.pull(plain_card, steps.append)
    assert [step.step for step in steps] == ["copy", "check", "check"]
    assert steps[-1] == PullStep("check", 12_000, 12_000)


def test_a_missing_model_is_unavailable_and_says_what_to_run(
    store: ModelStore, plain_card: ModelCard
) -> None:
    assert store.find(plain_card) is None
    with pytest.raises(ModelUnavailable, match="run `atelier models pull painter`"):
        store.open(plain_card)


@pytest.mark.parametrize("damage", [b"other", b"graph" * 999, b"GRAPH" * 1000])
def test_a_changed_file_is_refused_by_name(store: ModelStore, plain_card: ModelCard, damage: bytes) -> None:
    (store.pull(plain_card).folder / "saved_model.pb").write_bytes(damage)
    with pytest.raises(ModelCorrupt, match=r"saved_model\.pb .*differs .* run `atelier models pull painter`"):
        store.open(plain_card)


def test_a_file_that_is_gone_is_refused_by_name(store: ModelStore, plain_card: ModelCard) -> None:
    (store.pull(plain_card).folder / "variables" / "variables.index").unlink()
    with pytest.raises(ModelCorrupt, match=r"variables/variables\.index"):
        store.verify(plain_card)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": null}', '{"files": [{"path": "x"}]}'])
def test_a_broken_manifest_is_corrupt(store: ModelStore, plain_card: ModelCard, text: str) -> None:
    (store.pull(plain_card).folder / MANIFEST_FILE).write_text(text)
    with pytest.raises(ModelCorrupt, match=r"manifest\.json"):
        store.open(plain_card)
    assert store.list() == ()


def test_an_edited_file_list_does_not_agree_with_its_digest(store: ModelStore, plain_card: ModelCard) -> None:
    path = store.pull(plain_card).folder / MANIFEST_FILE
    path.write_text(path.read_text().replace('"bytes": 5000', '"bytes": 5001'))
    with pytest.raises(ModelCorrupt, match="does not agree with itself"):
        store.find(plain_card)


def test_pulling_mends_a_damaged_model(store: ModelStore, plain_card: ModelCard) -> None:
    stored = store.pull(plain_card)
    (stored.folder / "saved_model.pb").write_bytes(b"")
    assert store.pull(plain_card) == stored
    assert store.verify(plain_card) == stored


def test_a_model_from_another_source_is_not_taken_for_the_cards(
    store: ModelStore, plain_card: ModelCard, tmp_path: Path
) -> None:
    store.pull(plain_card)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "saved_model.pb").write_bytes(b"other")
    moved = stylize_card({"type": "saved_model", "path": str(tmp_path / "other")})
    assert store.find(moved) is None
    assert store.pull(moved).bytes == 5
    assert store.find(plain_card) is None


def test_a_failed_pull_leaves_nothing(store: ModelStore, plain_card: ModelCard, tmp_path: Path) -> None:
    def stop(step: PullStep) -> None:
        if step.step == "check":
            raise ModelUnavailable("stopped")

    with pytest.raises(ModelUnavailable, match="stopped"):
        store.pull(plain_card, stop)
    assert store.list() == ()
    assert [path.name for path in (tmp_path / "store" / "painter").iterdir()] == [".1.lock"]


def test_a_killed_pull_is_never_seen_and_the_next_one_cleans_up(
    store: ModelStore, plain_card: ModelCard, tmp_path: Path
) -> None:
    process = start_pull(tmp_path, plain_card, die_at="check")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert store.list() == ()
    store.pull(plain_card)
    assert sorted(path.name for path in (tmp_path / "store" / "painter").iterdir()) == [".1.lock", "1"]


def test_two_processes_that_pull_at_once_do_the_work_once(
    store: ModelStore, plain_card: ModelCard, tmp_path: Path
) -> None:
    processes = [start_pull(tmp_path, plain_card) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert "".join(outputs).count("copy") == 1
    store.verify(plain_card)


def test_a_store_that_cannot_be_written_is_refused_by_its_setting(
    plain_card: ModelCard, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match=r"^ATELIER_MODELS_DIR: .*file cannot be written"):
        ModelStore(tmp_path / "file").pull(plain_card)


def test_a_pull_from_a_folder_without_a_model_is_unavailable(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"holds no saved_model\.pb"):
        store.pull(stylize_card({"type": "saved_model", "path": str(tmp_path)}))


def test_an_unknown_builder_is_unavailable_and_names_the_known(store: ModelStore) -> None:
    with pytest.raises(ModelUnavailable, match=r"'nix'; known: .*magenta-mobile, mnist-dcgan"):
        store.pull(stylize_card({"type": "builtin", "builder": "nix"}))


def test_the_store_needs_no_tensorflow() -> None:
    code = "import sys, worker.models.store, worker.models.loading; print('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize("version", [".", "..", ".hidden", "a/b", ""])
def test_a_version_names_a_folder_of_its_own(version: str) -> None:
    with pytest.raises(ValidationError, match="version"):
        stylize_card({"type": "saved_model", "path": "/networks/painter"}, version=version)


@pytest.mark.parametrize(
    "text",
    [b"[]", b"{", b"\xff", b"[" * 100_000, b'{"files": [{"path": 1, "sha256": "", "bytes": 0}]}'],
    ids=["list", "torn", "binary", "deep", "wrong types"],
)
def test_a_manifest_that_is_none_is_damage(store: ModelStore, plain_card: ModelCard, text: bytes) -> None:
    (store.pull(plain_card).folder / MANIFEST_FILE).write_bytes(text)
    with pytest.raises(ModelCorrupt, match="run `atelier models pull painter`"):
        store.find(plain_card)
    assert store.list() == ()
    assert store.pull(plain_card).bytes == 12_000
