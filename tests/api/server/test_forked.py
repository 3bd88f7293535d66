"""The API's first process leaves buckets to another, and says what is wrong with one all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.server.forked import check_storage_apart
from shared.settings import EXIT_CONFIGURATION, Settings, SettingsError
from tests.support.http.gunicorn_server import ROOT

CODE = """
import sys
from api.server.forked import check_storage_apart
from shared.settings import Settings
check_storage_apart(Settings(storage_url="memory:///"))
sys.exit("obstore" in sys.modules)
"""


def test_the_library_of_buckets_is_not_loaded_by_who_forks_later() -> None:
    assert subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, check=False).returncode == 0


def test_a_folder_is_checked_here(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="Not a directory"):
        check_storage_apart(Settings(storage_url=(tmp_path / "file" / "x").as_uri()))


def test_a_bucket_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    url = "s3://id:s3cret@pictures?zone=1"
    environ = {**os.environ, "ATELIER_STATE_DIR": str(tmp_path), "ATELIER_STORAGE_URL": url}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:api.gunicorn_conf"]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_CONFIGURATION
    assert "configuration: ATELIER_STORAGE_URL: s3://pictures is no storage: 'zone'" in done.stderr
    assert "s3cret" not in done.stderr
