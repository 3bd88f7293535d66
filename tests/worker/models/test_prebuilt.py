"""Models that were exported at the installation are copied where they are good, and built elsewhere."""

from pathlib import Path

import pytest

from shared.cards.card import ModelCard, load_catalog
from worker.models import prebuilt
from worker.models.prebuilt import code_digest, export_models, prebuilt_store
from worker.models.sources import PullStep
from worker.models.store import ModelStore


@pytest.fixture
def card() -> ModelCard:
    """A card whose files are built without TensorFlow."""
    return load_catalog().get("mnist-dcgan")


@pytest.fixture
def exports(tmp_path: Path, card: ModelCard, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of exports with that model."""
    monkeypatch.setattr(prebuilt, "load_catalog", lambda: [card])
    export_models(tmp_path / "exports")
    return tmp_path / "exports"


def weights_in(exports: Path) -> Path:
    return next(exports.rglob("*.npz"))


def pulled(exports: Path, card: ModelCard, folder: Path, *, replace: bool = False) -> tuple[str, str]:
    """Pull into a new store; return the first step and the digest of the files."""
    steps: list[PullStep] = []
    store = ModelStore(folder, lambda: prebuilt_store(exports))
    stored = store.pull(card, steps.append, replace=replace)
    assert store.open(card) == stored
    return steps[0].step, stored.manifest.digest


def test_an_exported_model_is_copied(exports: Path, card: ModelCard, tmp_path: Path) -> None:
    step, digest = pulled(exports, card, tmp_path / "store")
    assert step == "copy"
    assert ("build", digest) == pulled(tmp_path / "none", card, tmp_path / "built")


def test_a_damaged_export_is_built_again(exports: Path, card: ModelCard, tmp_path: Path) -> None:
    _, digest = pulled(exports, card, tmp_path / "before")
    weights_in(exports).write_bytes(b"not these")
    assert pulled(exports, card, tmp_path / "store") == ("build", digest)

    export_models(exports)
    assert pulled(exports, card, tmp_path / "after") == ("copy", digest)


def test_a_missing_export_is_built(exports: Path, card: ModelCard, tmp_path: Path) -> None:
    weights_in(exports).unlink()
    assert pulled(exports, card, tmp_path / "store")[0] == "build"


def test_what_was_asked_to_be_pulled_again_is_built(exports: Path, card: ModelCard, tmp_path: Path) -> None:
    assert pulled(exports, card, tmp_path / "store", replace=True)[0] == "build"


def test_what_other_code_exported_is_not_used_and_goes_with_the_next_export(
    exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prebuilt_store(exports) is not None
    mine = code_digest()
    monkeypatch.setattr(prebuilt, "_PACKAGES", ("flask",))
    assert code_digest() != mine
    assert prebuilt_store(exports) is None

    export_models(exports)
    assert [folder.name for folder in exports.iterdir()] == [code_digest()]


def test_a_store_takes_what_is_exported_and_builds_nothing_unasked(
    exports: Path, card: ModelCard, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path / "store", lambda: prebuilt_store(exports))
    assert store.adopt(card)
    assert store.find(card) is not None

    without = ModelStore(tmp_path / "without")
    assert not without.adopt(card)
    assert without.find(card) is None


def test_exports_of_somebody_else_are_passed_over(
    exports: Path, card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # as for another user: tests run as root
    assert pulled(exports, card, tmp_path / "store")[0] == "build"
