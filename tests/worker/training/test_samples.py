import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow


def test_pictures_are_laid_out_row_by_row_with_gaps() -> None:
    from worker.training.samples import arrange

    pictures = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 3, 1), np.uint8)
    sheet = arrange(pictures, columns=3)
    assert sheet.shape == (2 + 2 * 5, 2 + 3 * 5)
    assert sheet[2::5, 2::5].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (sheet[:2] == 64).all()
    assert (sheet[:, 5:7] == 64).all()
