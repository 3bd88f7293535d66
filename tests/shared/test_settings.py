from pathlib import Path

import pytest

from shared.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)


def test_defaults_listen_on_loopback_only() -> None:
    settings = Settings.from_env()
    assert settings.api.host == "127.0.0.1"
    assert settings.storage == (Path.cwd() / ".atelier" / "storage").as_uri()


def test_variables_reach_their_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://example:1/2")
    monkeypatch.setenv("ATELIER_JOBS_LEASE_SECONDS", "3.5")
    monkeypatch.setenv("ATELIER_MODELS_DIR", "/m")
    settings = Settings.from_env()
    assert (settings.redis_url, settings.jobs.lease_seconds) == ("redis://example:1/2", 3.5)
    assert settings.models == Path("/m")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("ATELIER_API_PORT", "eighty", "ATELIER_API_PORT: "),
        ("ATELIER_API_PORT", "70000", "less than or equal to 65535"),
        ("ATELIER_LOG_FORMAT", "xml", "ATELIER_LOG_FORMAT"),
        ("REDIS_URL", "http://x", "REDIS_URL"),
        ("ATELIER_API_PROT", "1", "did you mean ATELIER_API_PORT"),
        ("ATELIER_NONSENSE_FILE", "x", "ATELIER_NONSENSE_FILE: no such setting"),
        ("REDIS_URL_FILE", "/does/not/exist", "REDIS_URL_FILE: cannot read"),
    ],
)
def test_a_wrong_variable_stops_the_start_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, text: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=text):
        Settings.from_env()


def test_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("redis://:password@host/0\n")
    monkeypatch.setenv("REDIS_URL_FILE", str(secret))
    assert Settings.from_env().redis_url == "redis://:password@host/0"


def test_a_variable_wins_over_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://file/0")
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("REDIS_URL", "redis://variable/0")
    assert Settings.from_env().redis_url == "redis://variable/0"
