from pathlib import Path

import numpy as np
import pytest

from shared.errors import ModelCorrupt
from worker.training.checkpoint import Checkpoint, CheckpointFolder
from worker.training.early_stopping import EarlyStopping

RECIPE = {"seed": 3}
STOPPING = EarlyStopping(total=90, best_step=4, best_quality=0.25, checks_since=1)


def make(step: int) -> Checkpoint:
    arrays = [np.full((2, 3), step, np.float32), np.zeros((), np.int64)]
    return Checkpoint(step, RECIPE, STOPPING, arrays, [np.ones(2, np.float32)])


def test_a_saved_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "new")
    folder.save(make(12))
    back = folder.newest()
    assert back is not None
    assert (back.step, back.hyperparameters, back.stopping) == (12, RECIPE, STOPPING)
    assert [array.dtype for array in back.arrays] == [np.float32, np.int64]
    assert back.arrays[0].tolist() == [[12.0] * 3] * 2
    assert [array.tolist() for array in back.best] == [[1.0, 1.0]]


def test_only_the_newest_two_are_kept(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for step in (5, 10, 100):
        folder.save(make(step))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000010.npz", "00000100.npz"]


def test_a_new_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert CheckpointFolder(tmp_path / "none").newest() is None


def test_a_half_written_checkpoint_is_overlooked(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(make(5))
    (tmp_path / "00000010.partial").write_bytes(b"PK")
    newest = folder.newest()
    assert newest is not None
    assert newest.step == 5


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(make(5))
    path = tmp_path / "00000005.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelCorrupt, match=r"00000005\.npz"):
        folder.newest()
