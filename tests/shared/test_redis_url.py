"""What REDIS_URL may be, and what redis-py and Celery are told of it."""

from pathlib import Path

import pytest

from shared.queue.celery_app import make_celery
from shared.redis_url import parse_redis_url
from shared.settings import Settings, SettingsError

SENTINELS = "sentinel://:a%2Fb@one:1,two,[::1]:3/2?service=atelier"


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://me:p%40ss@[::1]:7/3", "redis://me:p%40ss@[::1]:7/3"),
        ("redis://host", "redis://host:6379/0"),
        ("unix:///run/server.sock", "redis+socket:///run/server.sock"),
        ("unix://me:pw@/run/server.sock?db=4", "redis+socket://me:pw@/run/server.sock?virtual_host=4"),
        ("rediss://:pw@host:6380/1", "redis://:pw@host:6380/1"),
        (
            SENTINELS,
            "sentinel://:a%2Fb@one:1/2;sentinel://:a%2Fb@two:26379/2;sentinel://:a%2Fb@[::1]:3/2",
        ),
    ],
)
def test_celery_is_told_the_same_server(url: str, broker: str) -> None:
    assert parse_redis_url(url).broker == broker


@pytest.mark.parametrize("scheme", ["rediss", "sentinels"])
def test_certificates_are_verified_unless_the_url_forbids_it(scheme: str, tmp_path: Path) -> None:
    """Celery's transport verifies none where it is not told to."""
    (tmp_path / "ca.pem").touch()
    query = "?service=atelier&" if scheme == "sentinels" else "?"
    url = f"{scheme}://host/0{query}ssl_ca_certs={tmp_path}/ca.pem"
    verified = {
        "ssl_ca_certs": f"{tmp_path}/ca.pem",
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
    }
    assert make_celery(Settings(redis_url=url)).conf.broker_use_ssl == verified
    careless = parse_redis_url(f"{url}&ssl_cert_reqs=none").tls
    assert (careless["ssl_cert_reqs"], careless["ssl_check_hostname"]) == ("none", False)


def test_a_url_without_tls_asks_celery_for_none() -> None:
    assert make_celery(Settings(redis_url="redis://host")).conf.broker_use_ssl is None


def test_celery_finds_the_primary_by_every_sentinel() -> None:
    options = make_celery(
        Settings(redis_url=f"{SENTINELS}&sentinel_password=x")
    ).conf.broker_transport_options
    assert options["master_name"] == "atelier"
    assert options["sentinel_kwargs"]["password"] == "x"
    assert options["sentinel_kwargs"]["socket_timeout"] < options["socket_timeout"]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://x", "^REDIS_URL must start with redis://, .* or sentinels://"),
        ("redis:host", "^REDIS_URL must start with"),
        ("redis://localhost:port/0", "^REDIS_URL must have a port"),
        ("redis://one,two/0", "^REDIS_URL names several hosts"),
        ("redis://host/zero", "^REDIS_URL must end with the number of a database"),
        ("redis://host?ssl_ca_certs=x", "^REDIS_URL: redis:// takes no 'ssl_ca_certs', but db"),
        ("rediss://host?ssl_ca_cert=x", "takes no 'ssl_ca_cert', but db, ssl_ca_certs"),
        ("rediss://host?ssl_cert_reqs=maybe", "ssl_cert_reqs must be one of required, optional, none"),
        (
            "rediss://host?ssl_ca_certs=/no/such",
            "^REDIS_URL: ssl_ca_certs: cannot read /no/such: No such file",
        ),
        ("sentinel://one,two", "name what the Sentinels watch"),
        ("sentinel://one:x,two?service=a", "^REDIS_URL must have a port"),
    ],
)
def test_a_wrong_url_is_refused_with_what_is_wrong(
    url: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SettingsError, match=text):
        Settings.from_env()


@pytest.mark.parametrize("password", ["se?cretword", "se?cretword=1", "a?db=1&cretword"])
def test_a_password_that_is_not_encoded_is_not_shown(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"rediss://:{password}@host:6379/0")
    with pytest.raises(SettingsError, match=r"^REDIS_URL: percent-encode .* password") as caught:
        Settings.from_env()
    assert "cretword" not in str(caught.value)


def test_no_secret_is_in_what_a_debugger_shows() -> None:
    url = parse_redis_url("sentinel://me:hunter2@host?service=atelier&sentinel_password=hunter3")
    assert "hunter" not in repr(url)


def test_what_is_wrong_names_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@one,two:port/zero?service=hunter2")
    with pytest.raises(SettingsError) as caught:
        Settings.from_env()
    assert "hunter2" not in str(caught.value)
