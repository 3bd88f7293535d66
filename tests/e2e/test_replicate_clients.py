"""Replicate's official clients, unmodified, against one installation with keys."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from atelier.local.stack import RunningStack
from shared.access.key import KeyText
from tests.support.images import pictures
from tests.support.pages.pages import blocks_of

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

HERE = Path(__file__).parent / "replicate_clients"
KEY = str(KeyText.new())


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    environ = {"ATELIER_ACCESS_BOOTSTRAP_KEY": KEY, "ATELIER_WEBHOOK_ALLOW_PRIVATE": "true"}
    folder = tmp_path_factory.mktemp("replicate")
    with RunningStack(folder, environ=environ, start_seconds=600) as running:
        yield running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pictures that the scripts send, as variables of the environment."""
    folder = tmp_path_factory.mktemp("desk")
    made = {"PHOTO": pictures.photo(160, 120), "PAINTING": pictures.png(64, 64), "BROKEN": pictures.broken()}
    paths = {name: folder / ("photo.jpg" if name == "PHOTO" else f"{name.lower()}.png") for name in made}
    for name, path in paths.items():
        path.write_bytes(made[name])
    return {name: str(path) for name, path in paths.items()}


def installed(command: Sequence[str | Path], folder: Path) -> None:
    """Install a client; skip where no registry has it."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        pytest.skip(f"the client is not installed, which needs a package registry: {ran.stderr[-500:]}")


def carried_out(
    command: Sequence[str | Path], stack: RunningStack, base: str, desk: dict[str, str]
) -> list[str]:
    """Run a script; return the names of its parts, each of which it tells once it is done."""
    whole = {
        "PATH": os.environ["PATH"],
        "REPLICATE_API_TOKEN": KEY,
        "REPLICATE_BASE_URL": f"{stack.url}/{base}",
        "REPLICATE_POLL_INTERVAL": "0.1",
        **desk,
    }
    folder = Path(desk["PHOTO"]).parent
    ran = subprocess.run(
        command, cwd=folder, env=whole, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.split()


def example(client: str, stack: RunningStack, folder: Path, name: str) -> Path:
    """Return the page's example for a client as a file, for this installation."""
    (block,) = [each for each in blocks_of("docs/replicate.md") if f"with {client}," in (each.reason or "")]
    path = folder / name
    path.write_text(block.text.replace("http://127.0.0.1:8480", stack.url), "utf-8")
    return path


@pytest.mark.parametrize(("number", "base"), [(1, "replicate"), (2, "replicate/v1")])
def test_a_python_client_does_all_that_programs_do(
    stack: RunningStack, desk: dict[str, str], tmp_path: Path, number: int, base: str
) -> None:
    lock, script = HERE / f"python-{number}.txt", HERE / f"python_{number}.py"
    install = ["-m", "uv", "pip", "install", "--quiet", "--require-hashes", "--target", tmp_path, "-r", lock]
    installed([sys.executable, *install], tmp_path)
    # Of the interpreter alone, without the packages of this environment.
    python = [sys.executable, "-S", "-W", "ignore", script]
    done = carried_out(python, stack, base, desk | {"PYTHONPATH": str(tmp_path)})
    assert len(done) == 10, done
    told = example(f"replicate {number}", stack, tmp_path, "example.py")
    carried_out([*python[:-1], told], stack, base, desk | {"PYTHONPATH": str(tmp_path)})
    assert (Path(desk["PHOTO"]).parent / f"painted-{number}.png").read_bytes().startswith(b"\x89PNG")


def test_the_javascript_client_does_all_that_programs_do(
    stack: RunningStack, desk: dict[str, str], tmp_path: Path
) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed here")
    for name in ("package.json", "package-lock.json", "javascript.mjs"):
        shutil.copy(HERE / name, tmp_path)
    installed(["npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"], tmp_path)
    done = carried_out(["node", tmp_path / "javascript.mjs"], stack, "replicate/v1", desk)
    assert len(done) == 10, done
    carried_out(["node", example("node", stack, tmp_path, "example.mjs")], stack, "replicate/v1", desk)
    assert (Path(desk["PHOTO"]).parent / "painted-3.png").read_bytes().startswith(b"\x89PNG")
