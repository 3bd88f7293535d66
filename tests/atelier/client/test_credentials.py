"""The key, the headers and the authority that a client is given, and who gets to see them."""

import hashlib
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from api.services import Services
from atelier import Client, GenerateRequest, InvalidValue
from atelier.cli import main
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.identifiers import ANONYMOUS
from tests.support.http.web_server import WebServer, web_server
from tests.support.jobs.fake_worker import FakeWorker

KEY = f"atl_{'1' * 16}_{'2' * 64}"
PICTURE = b"picture"


def shown_job(url: str) -> bytes:
    """Return a job whose picture is at an address."""
    output = {
        "index": 0, "url": url, "content_type": "image/png", "width": 1, "height": 1, "bytes": len(PICTURE),
        "sha256": hashlib.sha256(PICTURE).hexdigest(), "seed": 1,
    }  # fmt: skip
    job = {"id": "job_1", "type": "generate", "status": "succeeded", "done": True, "outputs": [output]}
    return json.dumps(job).encode()


def credentials(server: WebServer) -> list[tuple[str | None, str | None]]:
    return [(sent.get("authorization"), sent.get("x-team")) for sent in server.headers]


def test_key_and_headers_go_to_the_service_with_pictures_too_and_to_nobody_else() -> None:
    picture = "/v1/jobs/job_1/outputs/0"
    with web_server() as own, web_server() as other:
        own.files["/v1/jobs/job_1"] = shown_job(f"{other.url}{picture}")  # not asked
        own.files[picture] = other.files["/a.png"] = PICTURE
        with Client(own.url, key=KEY, headers={"X-Team": "shop"}) as client:
            assert client.jobs.download("job_1") == PICTURE
            del own.files[picture]
            own.redirects[picture] = f"{other.url}/a.png"  # as to a bucket
            assert client.jobs.download("job_1") == PICTURE
        assert set(credentials(own)) == {(f"Bearer {KEY}", "shop")}
        assert len(own.headers) == 4
        assert credentials(other) == [(None, None)]


@pytest.mark.parametrize("follow", [True, False])
def test_a_redirect_to_another_origin_gets_neither(follow: bool) -> None:
    with web_server() as own, web_server() as other:
        other.files["/a.png"] = PICTURE
        own.redirects["/a.png"] = f"{other.url}/a.png"
        with Client(own.url, key=KEY, headers={"X-Team": "shop"}, retries=0) as client:
            client._transport.send("GET", "/a.png", follow_redirects=follow)
        assert credentials(own) == [(f"Bearer {KEY}", "shop")]
        assert credentials(other) == ([(None, None)] if follow else [])


def test_the_key_comes_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def sent(**options: Any) -> str | None:
        with web_server() as server, Client(server.url, retries=0, **options) as client:
            server.files["/v1/jobs/job_1"] = shown_job("")
            client.jobs.get("job_1")
            return server.headers[0].get("authorization")

    assert sent() is None
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv("ATELIER_API_KEY_FILE", str(tmp_path / "key"))
    assert sent() == f"Bearer {KEY}"
    monkeypatch.setenv("ATELIER_API_KEY", "atl_other")
    assert sent() == "Bearer atl_other"
    assert sent(key="atl_mine") == "Bearer atl_mine"
    assert sent(key="") is None


@pytest.mark.parametrize(
    "options",
    [{"key": "a\nb"}, {"key": "a\r\nX-Evil: 1"}, {"headers": {"X y": "1"}}, {"headers": {"X": "ä"}}],
)
def test_what_no_header_may_hold_is_refused_and_not_repeated(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as refused:
        Client("http://127.0.0.1:9", **options)
    assert "Evil" not in str(refused.value)


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    for name in ("missing.pem", "empty.pem"):
        (tmp_path / "empty.pem").touch()
        with pytest.raises(InvalidValue, match=name):
            Client("https://127.0.0.1:9", ca=tmp_path / name)


def test_an_own_authority_is_trusted_in_place_of_the_usual_ones(tmp_path: Path) -> None:
    usual = ssl.create_default_context()
    authorities = usual.get_ca_certs(binary_form=True)
    if not authorities:
        pytest.skip("this machine trusts nobody")
    (tmp_path / "own.pem").write_text(ssl.DER_cert_to_PEM_cert(authorities[0]))
    with Client("https://127.0.0.1:9", ca=tmp_path / "own.pem") as client:
        pool: Any = client._transport._http._transport
        context: ssl.SSLContext = pool._pool._ssl_context
    assert context.get_ca_certs(binary_form=True) == authorities[:1]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_service_with_keys_serves_a_client_with_one(
    url: str, services: Services, busy_worker: FakeWorker, tmp_path: Path
) -> None:
    _, text = KeyStore(services.store.scripts).create("shop", owner=ANONYMOUS, scopes=DEFAULT_SCOPES)
    with Client(url, key=str(text)) as client:
        (picture,) = client.generate(seed=7, timeout_seconds=30)
        assert picture.data
        job = client.jobs.create(GenerateRequest(seed=8))
        assert [event.kind for event in client.jobs.events(job)][-1] == "done"
    (tmp_path / "key").write_text(str(text))
    before = ["--url", url, "--key-file", str(tmp_path / "key")]
    assert job.id in CliRunner().invoke(main, [*before, "jobs", "list"]).output
    refused = CliRunner().invoke(main, ["--url", url, "jobs", "list"])
    assert refused.exit_code == 2
    assert httpx.get(f"{url}/v1/jobs").status_code == 401
