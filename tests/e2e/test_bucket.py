"""The service on a bucket: an API, a worker and an io worker that share a Redis-protocol server and a URL.

The workers know nothing else: they run in empty folders, as on other hosts.
"""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.local.redis_server import EmbeddedServer
from shared.maintenance.garbage import collect
from shared.redis.client import connect
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_object_store
from tests.support.files import files_below
from tests.support.http.gunicorn_server import ROOT, LoopbackGunicorn, loopback_gunicorn
from tests.support.images import pictures
from tests.support.s3.servers import S3Server, s3_server
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

OF_THE_SYSTEM = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that runs."""

    api: LoopbackGunicorn
    client: Client
    s3: S3Server
    objects: ObjectStore
    redis_url: str
    folder: Path

    def keys(self) -> set[str]:
        return {key for folder in ("inputs/", "outputs/") for key in self.objects.keys(folder)}


@contextmanager
def lone_worker(folder: Path, redis_url: str, storage_url: str, *arguments: str) -> Iterator[None]:
    """Run a worker as on a host of its own."""
    folder.mkdir()
    environ = {name: os.environ[name] for name in OF_THE_SYSTEM if name in os.environ}
    environ |= {"PYTHONPATH": str(ROOT), "REDIS_URL": redis_url, "ATELIER_STORAGE_URL": storage_url}
    command = [sys.executable, "-m", "worker", *arguments]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def site(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("bucket")
    with ExitStack() as block:
        s3 = block.enter_context(s3_server("seaweedfs", folder / "s3"))
        url = s3.url("atelier/one")
        block.enter_context(lone_worker(folder / "worker", module_server.url, url))
        block.enter_context(lone_worker(folder / "io", module_server.url, url, "--queues", "io"))
        settings = {"ATELIER_STORAGE_URL": url, "ATELIER_BUCKET_LINKS": "on"}
        api = block.enter_context(loopback_gunicorn(module_server.url, folder / "api", **settings))
        client = block.enter_context(Client(api.url))
        eventually(lambda: api.http.get("/readyz").status_code == 200, seconds=180)
        yield Site(api, client, s3, open_object_store(url), module_server.url, folder)


def test_workers_on_other_hosts_need_two_settings(site: Site) -> None:
    (digit,) = site.client.generate(seed=7)
    painted = site.client.stylize(pictures.photo(96, 64), pictures.png(64, 64))
    assert Image.open(io.BytesIO(digit.data)).size == (digit.output.width, digit.output.height)
    assert Image.open(io.BytesIO(painted.data)).size == (96, 64)
    assert [path for path in files_below(site.folder / "api") if path.suffix in (".png", ".jpg")] == []
    assert not (site.folder / "api" / "storage").exists()


def test_clients_fetch_from_the_bucket_itself(site: Site) -> None:
    (made,) = site.client.generate(seed=8)
    answer = site.api.http.get(f"/v1/jobs/{made.job.id}/outputs/0")
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith(f"{site.s3.endpoint}/pictures/atelier/one/outputs/")
    assert site.client.jobs.download(made.job) == made.data


def test_an_archive_of_a_batch_comes_from_the_service(site: Site) -> None:
    items = [{"type": "generate", "seed": seed} for seed in range(5)]
    batch = site.api.http.post("/v1/batches", json={"items": items}).json()
    address = f"/v1/batches/{batch['id']}"
    eventually(lambda: site.api.http.get(address).json()["status"] == "completed")
    archive = site.api.http.get(f"{address}/results.zip")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as made:
        assert made.testzip() is None
        assert len([name for name in made.namelist() if name.endswith(".png")]) == 5


def test_what_is_deleted_leaves_the_bucket(site: Site) -> None:
    before = site.keys()
    (made,) = site.client.generate(seed=9)
    (added,) = site.keys() - before
    assert made.job.id in added
    site.client.jobs.delete(made.job)
    eventually(lambda: site.keys() == before)
    with pytest.raises(ApiError, match="expired or was deleted"):
        site.client.jobs.download(made.job.id)


def test_what_no_record_names_is_collected(site: Site) -> None:
    before = site.keys()
    strays = {f"outputs/job_gone/1/{number}.png" for number in range(3)} | {"inputs/anonymous/f0/aa.png"}
    for key in strays:
        site.objects.put(key, b"x")
    with connect(site.redis_url) as client:
        assert collect(client, site.objects, grace_seconds=-60).objects == len(strays)
    assert site.keys() == before


def test_a_backup_goes_into_another_bucket(site: Site, tmp_path: Path) -> None:
    (made,) = site.client.generate(seed=10)
    told = {"ATELIER_STATE_DIR": str(tmp_path / "state"), "ATELIER_STORAGE_URL": site.s3.url("atelier/one")}
    atelier("backup", str(tmp_path / "all.tar"), REDIS_URL=site.redis_url, **told)
    with EmbeddedServer(tmp_path / "server") as other:
        told |= {"ATELIER_STORAGE_URL": site.s3.url("atelier/two")}
        atelier("restore", str(tmp_path / "all.tar"), REDIS_URL=other.url, **told)
    restored = open_object_store(site.s3.url("atelier/two"))
    assert {key for key in restored.keys("outputs/") if made.job.id in key}
    assert {key: restored.get(key) for key in restored.keys("outputs/")} == {
        key: site.objects.get(key) for key in site.objects.keys("outputs/")
    }


def atelier(*arguments: str, **environ: str) -> None:
    command = [sys.executable, "-m", "atelier", *arguments]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
