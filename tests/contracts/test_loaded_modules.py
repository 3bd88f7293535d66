"""What each process has loaded once it is started: nothing that costs seconds for nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "h5py", "keras", "matplotlib", "numpy", "onnx", "onnxruntime", "pandas", "pi_heif", "scipy", "skimage",
    "tensorboard", "tensorflow", "tensorflow_hub", "tf_keras",
}  # fmt: skip
API_FORMATS = {"Bmp", "Gif", "Jpeg", "Png", "Tiff", "WebP"}  # of Pillow, which makes contact sheets
LOOK = """
import os, sys
print(*sys.modules, flush=True)
os._exit(0)
"""


def loaded(code: str, folder: Path) -> set[str]:
    """Run what a process does at its start, without a job store, and return the modules that it has then."""
    environ = {"REDIS_URL": f"unix://{folder / 'none.sock'}", "ATELIER_STATE_DIR": str(folder)}
    run = subprocess.run(
        [sys.executable, "-c", code + LOOK],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
        cwd=ROOT,
        check=True,
    )
    return set(run.stdout.split())


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_the_api_has_loaded_nothing_heavy(tmp_path: Path) -> None:
    modules = loaded("import api.gunicorn_conf, api.wsgi; api.wsgi.create()", tmp_path)
    assert "api.routes.jobs" in modules
    assert packages(modules) & (HEAVY | {"worker", "atelier"}) == set()
    found = {name for name in modules if name.startswith("PIL.") and name.endswith("ImagePlugin")}
    assert found <= {f"PIL.{name}ImagePlugin" for name in API_FORMATS}


def test_the_io_worker_has_loaded_nothing_heavy(tmp_path: Path) -> None:
    modules = loaded("import worker.__main__, worker.process.io_worker", tmp_path)
    assert "shared.actions.runner" in modules
    assert packages(modules) & (HEAVY | {"PIL"}) == set()


@pytest.mark.parametrize("module", ["atelier.commands.up", "atelier.supervisor.exit_with_parent"])
def test_the_supervisor_has_loaded_nothing_heavy(tmp_path: Path, module: str) -> None:
    modules = loaded(f"import {module}", tmp_path)
    assert packages(modules) & (HEAVY | {"PIL", "celery"}) == set()


def test_the_worker_s_code_has_loaded_nothing_heavy_before_tensorflow(tmp_path: Path) -> None:
    modules = loaded("import worker.__main__, worker.process.model_worker", tmp_path)
    assert "worker.runner" in modules
    assert packages(modules) & (HEAVY - {"numpy", "pi_heif"} | {"httpx", "rich"}) == set()
