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
        ("ATELIER_API_PORT", "eighty", "ATELIER_API_PORT must be a whole number"),
        ("ATELIER_API_PORT", "70000", "ATELIER_API_PORT must be at most 65535"),
        ("ATELIER_LOG_FORMAT", "xml", "ATELIER_LOG_FORMAT"),
        ("ATELIER_API_KNOWN_HOSTS", "http://pictures.lan", "ATELIER_API_KNOWN_HOSTS: .* names of hosts"),
        ("ATELIER_API_KNOWN_HOSTS", "pictures.lan:8480", "without a port"),
        ("ATELIER_API_KNOWN_HOSTS", "*", "ATELIER_API_KNOWN_HOSTS"),
        ("ATELIER_API_ALLOWED_ORIGINS", "*", "ATELIER_API_ALLOWED_ORIGINS: give origins"),
        ("ATELIER_API_ALLOWED_ORIGINS", "null", "ATELIER_API_ALLOWED_ORIGINS"),
        ("ATELIER_API_ALLOWED_ORIGINS", "https://gallery.example/page", "and no more"),
        ("ATELIER_API_ALLOWED_ORIGINS", "gallery.example", "ATELIER_API_ALLOWED_ORIGINS"),
        ("ATELIER_API_TRUSTED_PROXIES", "-1", "ATELIER_API_TRUSTED_PROXIES must be at least 0"),
        ("REDIS_URL", "http://x", "REDIS_URL"),
        ("ATELIER_API_PROT", "1", r"did you mean ATELIER_API_PORT\?"),
        ("ATELIER_LEASE", "1", r"did you mean ATELIER_JOBS_LEASE_SECONDS\?"),
        ("ATELIER_LOGLEVEL", "1", r"did you mean ATELIER_LOG_LEVEL\?"),
        ("ATELIER_MODEL_DIR", "1", r"did you mean ATELIER_MODELS_DIR\?"),
        ("ATELIER_HOST", "1", r"did you mean ATELIER_API_HOST or ATELIER_METRICS_HOST\?"),
        ("ATELIER_STORAGE", "1", r"did you mean ATELIER_STORAGE_URL\?"),
        ("ATELIER_THREADS", "1", r"did you mean ATELIER_API_THREADS or .*ATELIER_WORKER_THREADS\?"),
        ("ATELIER_REDIS_URL", "redis://x", r"did you mean REDIS_URL\?"),
        ("ATELIER_WEBHOOK_SECRETS_FILE", "x", r"did you mean ATELIER_WEBHOOK_SECRET\?"),
        ("ATELIER_API_TOKEN", "1", "no such setting$"),
        ("ATELIER_ACCESS_BOOTSTRAP_KEY", "secret", "has the form atl_"),
        ("ATELIER_TAG", "1", "no such setting$"),
        ("ATELIER_WORKERS", "1", "no such setting$"),
        ("ATELIER_DEBUG", "1", "no such setting$"),
        ("ATELIER_S3_BUCKET", "1", "no such setting$"),
        (
            "ATELIER_STORAGE_URL",
            "/srv/pictures",
            "ATELIER_STORAGE_URL: give a URL such as file:///srv/pictures",
        ),
        ("ATELIER_STORAGE_URL", "s4://bucket", "ATELIER_STORAGE_URL: give a URL"),
        (
            "ATELIER_STORAGE_URL",
            "file://srv/pictures",
            "ATELIER_STORAGE_URL: a file:// URL takes three slashes",
        ),
        ("ATELIER_STORAGE_URL", "file:///", "ATELIER_STORAGE_URL: a file:// URL takes three slashes"),
        ("REDIS_URL", "redis://localhost:port/0", "^REDIS_URL must have a port"),
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


def test_every_setting_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {
        "ATELIER_LOG_LEVEL": "DEBUG",
        "ATELIER_API_PORT": "9000",
        "ATELIER_WEBHOOK_SECRET": "whsec_" + "A" * 32,
        "ATELIER_ACCESS_BOOTSTRAP_KEY": f"atl_{'0' * 16}_{'1' * 64}",
        "ATELIER_WORKER_HEALTH_FILE": "own.health",
    }
    for name, value in values.items():
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    settings = Settings.from_env()
    assert (settings.log_level, settings.api.port) == ("DEBUG", 9000)
    assert settings.webhook.secret.get_secret_value() == values["ATELIER_WEBHOOK_SECRET"]
    assert settings.access.bootstrap_key.get_secret_value() == values["ATELIER_ACCESS_BOOTSTRAP_KEY"]
    assert settings.worker.health_file == Path("own.health")


def test_an_empty_file_is_an_empty_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("")
    monkeypatch.setenv("ATELIER_ACCESS_BOOTSTRAP_KEY_FILE", str(tmp_path / "key"))
    assert Settings.from_env() == Settings()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 100_000, None], ids=["no UTF-8", "huge", "a folder"])
def test_a_secret_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "url"
    path.mkdir() if content is None else path.write_bytes(content)
    monkeypatch.setenv("REDIS_URL_FILE", str(path))
    with pytest.raises(SettingsError, match=f"^REDIS_URL_FILE: .*{path}"):
        Settings.from_env()


def test_a_variable_wins_over_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://file/0")
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("REDIS_URL", "redis://variable/0")
    assert Settings.from_env().redis_url == "redis://variable/0"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ATELIER_API_PORT", "99999", 'ATELIER_API_PORT must be at most 65535; got "99999"'),
        ("ATELIER_API_PORT", "http", 'ATELIER_API_PORT must be a whole number; got "http"'),
        ("ATELIER_LOG_LEVEL", "LOUD", 'ATELIER_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR; got "LOUD"'),
        ("ATELIER_LOG_FORMAT", "xml", 'ATELIER_LOG_FORMAT must be text or json; got "xml"'),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.from_env()
    assert str(caught.value) == sentence
