"""The built magenta-mobile network, made once a test run, and a server that plays TensorFlow Hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.cards.card import ModelCard, load_catalog
from tests.support.http.web_server import WebServer, web_server
from tests.support.models.model_cards import stylize_card


@pytest.fixture(scope="session")
def magenta_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from worker.models.stylization.magenta_mobile import build_magenta_mobile

    folder = tmp_path_factory.mktemp("magenta-mobile")
    build_magenta_mobile(folder)
    return folder


@pytest.fixture(scope="session")
def magenta_card() -> ModelCard:
    return load_catalog().get("magenta-mobile")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def plain_card(tmp_path: Path) -> ModelCard:
    """A card whose source is a folder with the files of a SavedModel, cheap to pull and never run."""
    source = tmp_path / "given"
    (source / "variables").mkdir(parents=True)
    (source / "saved_model.pb").write_bytes(b"graph" * 1000)
    (source / "variables" / "variables.index").write_bytes(b"weights" * 1000)
    return stylize_card({"type": "saved_model", "path": str(source)})
