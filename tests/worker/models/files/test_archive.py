import gzip
import hashlib
import io
import shutil
import stat
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    with pytest.raises(ModelCorrupt, match="would lie outside"):
        unpack_bytes(tar_gz(**{name: b"x"}), tmp_path)
    assert not (tmp_path / "outside").exists()


KINDS = {
    "link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
    "contiguous": tarfile.CONTTYPE,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["saved_model.pb", "../../secret", "/etc/passwd", "."])
def test_links_and_devices_are_refused_wherever_they_lead(tmp_path: Path, kind: str, target: str) -> None:
    entry = tarfile.TarInfo("link")
    entry.type, entry.linkname = KINDS[kind], target
    with pytest.raises(ModelCorrupt, match="only regular files are taken"):
        unpack_bytes(archive_of(("saved_model.pb", b"x"), entry), tmp_path)


def archive_of(*parts: tuple[str, bytes] | tarfile.TarInfo, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", **options) as tar:
        for part in parts:
            if isinstance(part, tarfile.TarInfo):
                tar.addfile(part)
                continue
            entry = tarfile.TarInfo(part[0])
            entry.size = len(part[1])
            tar.addfile(entry, io.BytesIO(part[1]))
    return buffer.getvalue()


def test_a_chain_of_links_that_hides_its_way_out_writes_nothing_outside(tmp_path: Path) -> None:
    """The shape of CVE-2025-4517: paths too long to be resolved, so that a filter sees them end inside."""
    parts: list[tuple[str, bytes] | tarfile.TarInfo] = []
    path, long = "", "d" * 247
    for step in "abcdefghijklmnop":
        folder, link = tarfile.TarInfo(f"{path}{long}"), tarfile.TarInfo(f"{path}{step}")
        folder.type, link.type, link.linkname = tarfile.DIRTYPE, tarfile.SYMTYPE, long
        parts += [folder, link]
        path += f"{long}/"
    escape = tarfile.TarInfo("escape")
    escape.type = tarfile.SYMTYPE
    escape.linkname = f"{'/'.join('abcdefghijklmnop')}/{'l' * 254}/../../../outside"
    (tmp_path / "outside").write_bytes(b"mine")
    with pytest.raises(ModelCorrupt):
        unpack_bytes(archive_of(*parts, escape, ("escape", b"overwritten")), tmp_path)
    assert (tmp_path / "outside").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "name", ["/etc/x", "a/../b", "a\\..\\b", "a\nb", "\x1b[2Ja", "n" * 256, "a/" * 600 + "b"]
)
def test_names_that_are_not_plain_are_refused(tmp_path: Path, name: str) -> None:
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with pytest.raises(ModelCorrupt, match="cannot be unpacked"):
            unpack_bytes(archive_of((name, b"x"), format=form), tmp_path)
        shutil.rmtree(tmp_path / "inside" / "model.unpacking")


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_are_read_in_every_format(tmp_path: Path, form: int) -> None:
    name = f"variables/{'v' * 90}/{'w' * 80}"
    unpack_bytes(archive_of(("saved_model.pb", b"g"), (name, b"weights"), format=form), tmp_path)
    assert (tmp_path / "inside" / "model" / name).read_bytes() == b"weights"
    assert stat.S_IMODE((tmp_path / "inside" / "model" / name).stat().st_mode) == 0o600


def test_extended_headers_are_bounded_each_and_in_number(tmp_path: Path) -> None:
    large = tarfile.TarInfo("saved_model.pb")
    large.pax_headers = {"comment": "c" * 70_000}
    with pytest.raises(ModelCorrupt, match="at most 65536 are read"):
        unpack_bytes(archive_of(large), tmp_path)
    shutil.rmtree(tmp_path / "inside" / "model.unpacking")
    header = tarfile.TarInfo("h").create_pax_global_header({"comment": "c"})
    with pytest.raises(ModelCorrupt, match="more than 10000 entries"):
        unpack_bytes(gzip.compress(header * 10_001 + bytes(1024)), tmp_path)


@pytest.mark.parametrize("size", [b"-1", b"\x80" + bytes(10) + b"\x05", b"\xff" * 12, b"9", b"77777777777"])
def test_a_size_that_is_none_is_refused(tmp_path: Path, size: bytes) -> None:
    block = bytearray(tarfile.TarInfo("saved_model.pb").tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = size.ljust(12, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    with pytest.raises(ModelCorrupt):
        unpack_bytes(gzip.compress(bytes(block) + bytes(2048)), tmp_path)


@given(st.binary(max_size=2048), st.integers(0, 1535))
def test_no_damage_is_anything_but_a_corrupt_model(data: bytes, at: int) -> None:
    good = gzip.decompress(archive_of(("saved_model.pb", b"x" * 600)))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "inside").mkdir()
        with suppress(ModelCorrupt):
            unpack_bytes(gzip.compress(good[:at] + data + good[at + len(data) :]), place)
        assert {path.name for path in place.iterdir()} <= {"inside", "a.tar.gz"}


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


@pytest.mark.parametrize("deep", ["", "variables/"])
def test_links_in_the_folder_of_a_model_are_not_followed(tmp_path: Path, deep: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    model = tmp_path / "model"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"graph")
    (model / f"{deep}link").symlink_to(tmp_path / "secret")
    card = stylize_card({"type": "saved_model", "path": str(model)})
    with pytest.raises(ModelCorrupt, match="is a link or a device"):
        ModelStore(tmp_path / "store").pull(card)
    assert list((tmp_path / "store").rglob("link")) == []
