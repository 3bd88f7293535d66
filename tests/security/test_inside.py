"""What the service says of its own faults names no path, bucket or address; its log does."""

import ast
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.responses.problems import STATUS
from api.services import Services, build_services
from shared.errors import ModelCorrupt, StorageUnavailable
from shared.files.file_store import FileStore
from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_object_store
from tests.support.http.openapi_client import CheckedClient
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker

ROOT = Path(__file__).parents[2]
BUCKET, ENDPOINT = "private-bucket", "127.0.0.1:9"
CAUSES = {"error", "exc", "path", "folder", "_root", "root", "reason", "filename", "key", "url"}
BY_COMMANDS = ("worker/training/", "worker/models/files/", "worker/models/sources.py")


def client_over(services: Services, objects: ObjectStore) -> FlaskClient:
    files = FileStore(services.store.client, objects, memory=services.memory)
    app = create_app(replace(services, objects=objects, files=files))
    app.test_client_class = CheckedClient
    return app.test_client()


def told(client: FlaskClient, job_id: str, file_id: str) -> Iterator[str]:
    """Yield what is answered where the storage is needed."""
    upload = {"data": {"file": (io.BytesIO(pictures.png(20, 20)), "a.png")}}
    for method, path, parts in (
        ("POST", "/v1/files", upload),
        ("GET", f"/v1/files/{file_id}/content", {}),
        ("GET", f"/v1/jobs/{job_id}/outputs/0", {}),
        ("GET", "/readyz", {}),
    ):
        response = client.open(path, method=method, **parts)
        assert response.status_code in (404, 503), path
        yield response.text


def with_content(services: Services, worker: FakeWorker) -> tuple[str, str]:
    """Return a job that has succeeded, and a file."""
    client = client_over(services, services.objects)
    job = client.post("/v1/jobs", json={"type": "generate", "seed": 7}).json["id"]
    worker.run(job)
    upload = {"data": {"file": (io.BytesIO(pictures.png()), "a.png")}}
    return job, client.post("/v1/files", **upload).json["id"]


def test_a_folder_that_is_away_is_not_named(
    services: Services, worker: FakeWorker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = with_content(services, worker)
    shutil.rmtree(tmp_path / "storage")
    (tmp_path / "storage").write_text("no folder")
    for text in told(client_over(services, services.objects), *ids):
        assert str(tmp_path) not in text
        assert "outputs/" not in text.replace(f"/v1/jobs/{ids[0]}/outputs/0", "")
        assert "inputs/" not in text
        assert "Not a directory" not in text
    logged = [record.__dict__.get("detail", "") for record in caplog.records]
    assert any(str(tmp_path) in detail for detail in logged)


def test_a_bucket_that_is_away_is_not_named(
    services: Services, worker: FakeWorker, caplog: pytest.LogCaptureFixture
) -> None:
    ids = with_content(services, worker)
    bucket = open_object_store(f"s3://a:b@{BUCKET}/pictures?endpoint=http://{ENDPOINT}")
    for text in told(client_over(services, bucket), *ids):
        assert not [name for name in (BUCKET, ENDPOINT, "http://127", "refused") if name in text], text
    assert any(ENDPOINT in record.__dict__.get("detail", "") for record in caplog.records)


def test_a_job_store_that_is_away_is_not_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    away = f"unix://{tmp_path}/nobody.sock"
    client = create_app(build_services(Settings(redis_url=away, state_dir=tmp_path))).test_client()
    for path in ("/v1/jobs", "/v1/models", "/readyz"):
        response = client.get(path)
        assert response.status_code == 503
        assert "nobody" not in response.text
    assert any("nobody.sock" in record.__dict__.get("detail", "") for record in caplog.records)


def test_a_jobs_error_has_what_clients_may_know(services: Services, worker: FakeWorker) -> None:
    client = client_over(services, services.objects)
    damaged, away = (
        ModelCorrupt("a file is damaged", inside="/srv/secret"),
        StorageUnavailable(inside="/srv/x"),
    )
    for error in (damaged, away):
        job = client.post("/v1/jobs", json={"type": "generate", "seed": 7}).json["id"]
        worker.fail(worker.claim(job), error)
        shown = client.get(f"/v1/jobs/{job}")
        assert shown.json["error"]["code"] == error.code
        assert "/srv" not in shown.text
        assert "/srv" in str(error)


def faults_of_ours() -> set[str]:
    return {kind.__name__ for kind, status in STATUS.items() if status >= 500}


def texts_of(argument: ast.AST, tree: ast.AST) -> Iterator[ast.JoinedStr]:
    """Yield the formatted texts that an argument may be: itself, or what its name is set to in the module."""
    if isinstance(argument, ast.JoinedStr):
        yield argument
    if isinstance(argument, ast.Name):
        named = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        for node in named:
            if ast.unparse(node.targets[0]) == argument.id and isinstance(node.value, ast.JoinedStr):
                yield node.value


def told_causes(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where the text for clients of a fault of ours has a cause in it."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id in faults_of_ours():
            for text in texts_of(call.args[0], tree):
                names = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(text)}
                if names & CAUSES and "detail" not in names:
                    yield call.lineno


def test_no_fault_of_the_service_tells_its_cause() -> None:
    modules = [path for name in ("api", "shared", "worker") for path in (ROOT / name).rglob("*.py")]
    named = {path.relative_to(ROOT).as_posix(): path for path in modules}
    found = [
        f"{name}:{line}"
        for name, path in named.items()
        if not name.startswith(BY_COMMANDS)
        for line in told_causes(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


def test_a_cause_in_a_text_is_found() -> None:
    wrong = "raise StorageUnavailable(f'at {path}')\nraise StoreUnavailable(f'{str(error)}')"
    right = "raise StorageUnavailable(inside=f'at {path}')\nraise OutOfDisk(f'{shown} are free')"
    assert list(told_causes(ast.parse(wrong))) == [1, 2]
    assert list(told_causes(ast.parse("text = f'at {folder}'\nraise ModelCorrupt(text)"))) == [2]
    assert list(told_causes(ast.parse(right))) == []
