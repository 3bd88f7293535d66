import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from shared.errors import ModelCorrupt, ModelUnavailable
from tests.support.http.web_server import WebServer
from tests.support.models.model_cards import stylize_card
from worker.models.files.archive import download, unpack
from worker.models.sources import PullStep
from worker.models.store import ModelStore


def tar_gz(**files: bytes) -> bytes:
    """An archive with these files; the names are taken as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("top", ["", "./", "painter/"])
def test_a_url_is_pulled_checked_and_unpacked(web: WebServer, tmp_path: Path, top: str) -> None:
    archive = tar_gz(**{f"{top}saved_model.pb": b"graph", f"{top}variables/variables.index": b"weights"})
    web.files["/m.tar.gz"] = archive
    steps: list[PullStep] = []
    card = stylize_card({"type": "url", "url": f"{web.url}/m.tar.gz", "sha256": sha256(archive)})
    stored = ModelStore(tmp_path).pull(card, steps.append)
    assert (stored.folder / "variables" / "variables.index").read_bytes() == b"weights"
    assert PullStep("fetch", len(archive), len(archive)) in steps


def test_another_file_than_the_card_says_is_corrupt(web: WebServer, tmp_path: Path) -> None:
    web.files["/m"] = b"something else"
    with pytest.raises(ModelCorrupt, match="the card says 0000"):
        download(f"{web.url}/m", "0" * 64, tmp_path / "m", on_bytes=lambda *_: None)


def test_a_missing_file_is_unavailable(web: WebServer, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="404"):
        download(f"{web.url}/none", "0" * 64, tmp_path / "m", on_bytes=lambda *_: None)


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="ConnectError"):
        download("http://127.0.0.1:9/m", "0" * 64, tmp_path / "m", on_bytes=lambda *_: None)


def test_a_download_stops_at_its_limit(web: WebServer, tmp_path: Path) -> None:
    web.files["/m"] = bytes(10_000)
    with pytest.raises(ModelUnavailable, match="larger than 5000 bytes"):
        download(f"{web.url}/m", "0" * 64, tmp_path / "m", on_bytes=lambda *_: None, limit=5000)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/m.tar.gz", "m.tar.gz"])
def test_only_http_and_https_are_fetched(url: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="not an http or https URL"):
        download(url, "0" * 64, tmp_path / "m", on_bytes=lambda *_: None)


def unpack_bytes(data: bytes, tmp_path: Path, **options: int) -> None:
    (tmp_path / "a.tar.gz").write_bytes(data)
    unpack(tmp_path / "a.tar.gz", tmp_path / "inside" / "model", **options)


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()


@pytest.mark.parametrize("name", ["../outside", "a/../../../outside"])
def test_names_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelCorrupt, match="OutsideDestinationError"):
        unpack_bytes(tar_gz(**{name: b"x"}), tmp_path)
    assert not (tmp_path / "outside").exists()


def test_links_that_lead_outside_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "../../secret"
        tar.addfile(link)
    with pytest.raises(ModelCorrupt, match="LinkOutsideDestinationError"):
        unpack_bytes(buffer.getvalue(), tmp_path)


def test_a_bomb_is_stopped_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="more than 1000 bytes"):
        unpack_bytes(tar_gz(**{"saved_model.pb": bytes(2000)}), tmp_path, limit=1000)


@pytest.mark.parametrize("cut", [20, 100])
def test_a_cut_archive_is_corrupt(tmp_path: Path, cut: int) -> None:
    with pytest.raises(ModelCorrupt, match="cannot be unpacked"):
        unpack_bytes(tar_gz(**{"saved_model.pb": bytes(range(256)) * 50})[:cut], tmp_path)


def test_bytes_that_are_no_archive_are_corrupt(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="cannot be unpacked"):
        unpack_bytes(b"<html>not here</html>", tmp_path)


def test_an_archive_without_a_model_is_corrupt(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match=r"holds no saved_model\.pb"):
        unpack_bytes(tar_gz(readme=b"hello"), tmp_path)
