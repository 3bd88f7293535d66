from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worker.models.generation.dcgan import Architecture
from worker.training.data import Pictures

pytestmark = pytest.mark.tensorflow

SMALL = Architecture(16, 1, 2)


def test_a_generator_that_paints_like_the_data_is_nearer_to_it() -> None:
    from worker.models.generation.generator import build_generator
    from worker.training.quality import QualityCheck

    black = np.random.default_rng(1).integers(0, 12, (60, 16, 16, 1), np.uint8)
    pictures = Pictures(black, np.arange(60, dtype=np.uint8) % 2, ("a", "b"))
    check = QualityCheck(pictures, SMALL, seed=1)
    grey = build_generator(SMALL).get_weights()
    dark = [*grey[:-1], np.full_like(grey[-1], -3.0)]
    assert check.of(dark) < check.of(grey)
    assert check.of(dark) == check.of(dark)


def test_pictures_are_laid_out_row_by_row_with_gaps() -> None:
    from worker.training.quality import arrange

    pictures = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 3, 1), np.uint8)
    sheet = arrange(pictures, columns=3)
    assert sheet.shape == (2 + 2 * 5, 2 + 3 * 5)
    assert sheet[2::5, 2::5].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (sheet[:2] == 64).all()
    assert (sheet[:, 5:7] == 64).all()


@pytest.mark.parametrize(
    ("architecture", "size", "mode"),
    [(Architecture(16, 3, 2), (38, 182), "RGB"), (Architecture(16, 1, 0), (182, 182), "L")],
)
def test_a_grid_has_a_column_a_class_and_ten_without(
    tmp_path: Path, architecture: Architecture, size: tuple[int, int], mode: str
) -> None:
    from worker.models.generation.generator import build_generator
    from worker.training.quality import SampleGrid

    path = SampleGrid(tmp_path, architecture).draw(build_generator(architecture).get_weights(), step=3)
    with Image.open(path) as grid:
        assert (grid.size, grid.mode) == (size, mode)
