"""TensorFlow Hub without TensorFlow Hub: a loopback server in its place, and a filled cache."""

import hashlib
import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from shared.cards.card import load_catalog
from shared.errors import ModelCorrupt, ModelUnavailable
from tests.support.http.web_server import WebServer
from tests.support.images.float_pictures import noise
from tests.support.models.model_cards import stylize_card
from worker.models.files.hub import fetch_module, load_module
from worker.models.loading import load_model
from worker.models.store import ModelStore

pytestmark = [pytest.mark.tensorflow]

PATH = "/google/magenta/arbitrary-image-stylization-v1-256/2"


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.models.hub_modules import AverageColor, save_module

    return save_module(AverageColor(), tmp_path_factory.mktemp("average-color"))


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)


def test_a_handle_is_pulled_over_http_and_runs(web: WebServer, module_folder: Path, tmp_path: Path) -> None:
    from tests.support.models.hub_modules import archive_of

    web.files[PATH] = archive_of(module_folder)
    card, store = stylize_card({"type": "tfhub", "handle": web.url + PATH}), ModelStore(tmp_path)
    store.pull(card)
    assert web.requests == [f"{PATH}?tf-hub-format=compressed"]
    stylizer = load_model(card, store)
    content = noise(22, 30)
    picture = stylizer.stylize(content, stylizer.prepare_style(np.ones((9, 9, 3), np.float32)))
    np.testing.assert_allclose(picture, 0.5 * content + 0.5, atol=1e-6)


def test_a_pull_leaves_the_process_as_it_was(web: WebServer, module_folder: Path, tmp_path: Path) -> None:
    from tests.support.models.hub_modules import archive_of

    web.files[PATH] = archive_of(module_folder)
    fetch_module(web.url + PATH, tmp_path / "model")
    assert "TFHUB_CACHE_DIR" not in os.environ
    assert socket.getdefaulttimeout() is None


def test_a_second_pull_of_a_deleted_model_asks_the_hub_again(
    web: WebServer, module_folder: Path, tmp_path: Path
) -> None:
    from tests.support.models.hub_modules import archive_of

    web.files[PATH] = archive_of(module_folder)
    for name in ("one", "two"):
        fetch_module(web.url + PATH, tmp_path / name)
    assert len(web.requests) == 2


def test_a_filled_cache_serves_the_real_handle_without_a_network(
    module_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = load_catalog().get("magenta-v1-256")
    key = hashlib.sha1(card.source.handle.encode()).hexdigest()
    shutil.copytree(module_folder, tmp_path / "cache" / key)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    stored = ModelStore(tmp_path / "store").pull(card)
    assert key == "f843094219bf78a99e8ea6c8d71f1bc74f07101a"
    assert (stored.folder / "saved_model.pb").is_file()


def test_a_half_empty_cache_is_unavailable_and_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = "https://hub.example/painter/1"
    folder = tmp_path / "cache" / hashlib.sha1(handle.encode()).hexdigest()
    (folder / "variables").mkdir(parents=True)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(ModelUnavailable, match=f"{folder.name}.* holds no saved_model.pb; delete it"):
        fetch_module(handle, tmp_path / "model")


def test_a_hub_that_is_not_there_is_unavailable_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ModelUnavailable, match=r"127\.0\.0\.1:9/painter/1 \(URLError.*TFHUB_CACHE_DIR.*SavedModel"
    ):
        fetch_module("http://127.0.0.1:9/painter/1", tmp_path / "model")


@pytest.mark.parametrize("body", [None, b"<html>moved</html>"])
def test_a_hub_that_gives_no_module_is_unavailable(
    web: WebServer, tmp_path: Path, body: bytes | None
) -> None:
    if body is not None:
        web.files[PATH] = body
    with pytest.raises(ModelUnavailable, match="did not give"):
        fetch_module(web.url + PATH, tmp_path / "model")


def test_a_folder_that_tensorflow_cannot_read_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(ModelCorrupt, match="cannot load"):
        load_module(tmp_path)
