"""Places that settings name, good and of no use."""

import os
from pathlib import Path

import pytest

from shared.settings import Settings, SettingsError
from shared.storage.places import check_storage, refuse_place, require_folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


def test_a_storage_that_can_be_written_passes_and_holds_nothing_after(tmp_path: Path) -> None:
    check_storage(Settings(storage_url=(tmp_path / "deep" / "storage").as_uri()))
    assert [path.name for path in (tmp_path / "deep" / "storage").rglob("*") if path.is_file()] == []


def test_a_storage_in_the_place_of_a_file_is_refused(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"ATELIER_STORAGE_URL: .* cannot be written: Not a directory"):
        check_storage(Settings(storage_url=(file / "storage").as_uri()))


def test_a_storage_where_no_file_system_takes_one_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^ATELIER_STORAGE_URL: file:///proc/pictures cannot be written"):
        check_storage(Settings(storage_url="file:///proc/pictures"))


def test_a_bucket_whose_account_is_not_told_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match=r"^ATELIER_STORAGE_URL: az://c/p is no storage: .*[Aa]ccount"):
        check_storage(Settings(storage_url="az://c/p"))


def test_a_bucket_that_does_not_answer_now_keeps_nobody_from_starting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = {"ENDPOINT": "http://127.0.0.1:9", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
    for name, value in {**nobody, "ALLOW_HTTP": "true", "REGION": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    check_storage(Settings(storage_url="s3://bucket/pictures"))
    assert [record.msg for record in caplog.records] == ["the storage does not answer"]


def test_a_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    require_folder("ATELIER_STATE_DIR", tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize("folder", ["file", "file/state", "/proc/state"])
def test_a_folder_that_cannot_be_written_is_refused_by_setting_and_path(file: Path, folder: str) -> None:
    with pytest.raises(SettingsError, match=f"^ATELIER_STATE_DIR: .*{folder} cannot be written: "):
        require_folder("ATELIER_STATE_DIR", file.parent / folder)


def test_what_may_pass_is_no_fault_of_the_setting() -> None:
    refuse_place("ATELIER_MODELS_DIR", "/models", OSError(28, "No space left on device"))
    with pytest.raises(SettingsError, match=r"^ATELIER_MODELS_DIR: /models cannot be written: Read-only"):
        refuse_place("ATELIER_MODELS_DIR", "/models", OSError(30, "Read-only file system"))
