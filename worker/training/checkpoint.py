"""The saved states of a run: each is written whole or not at all, and the newest two are kept."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest, ModelCorrupt
from worker.training.early_stopping import EarlyStopping

FOLDER = "checkpoints"  # within a run's
_KEPT = 2

Arrays = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run after `step` steps. Random numbers depend on seed and step alone, so they need no saving."""

    step: int
    hyperparameters: dict[str, Any]  # and the data's digest; the run is resumed only with the same
    stopping: EarlyStopping
    arrays: Arrays  # networks, optimizers and averages
    best: Arrays  # the best generator so far in its serving form; empty before the first check


class CheckpointFolder:
    """The checkpoints of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint so that a crash leaves the old ones or the new one, then delete all but two."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{checkpoint.step:08d}.npz"
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **_named(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        for old in self._paths()[:-_KEPT]:
            old.unlink()

    def newest(self) -> Checkpoint | None:
        """Return the latest checkpoint, or None; raise ModelCorrupt where it cannot be read."""
        paths = self._paths()
        return _read(paths[-1]) if paths else None

    def check_resumable(self) -> None:
        """Raise InvalidRequest where there is no checkpoint to resume from."""
        if not self._paths():
            detail = f"there is no checkpoint in {self._folder} to go on from; start without --resume"
            raise InvalidRequest.of_field("/resume", detail)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.npz"))


def _named(checkpoint: Checkpoint) -> dict[str, NDArray[Any]]:
    meta = {
        "step": checkpoint.step,
        "recipe": checkpoint.hyperparameters,
        "standing": asdict(checkpoint.stopping),
        "counts": [len(checkpoint.arrays), len(checkpoint.best)],
    }
    arrays = {f"array{index}": array for index, array in enumerate(checkpoint.arrays)}
    best = {f"best{index}": array for index, array in enumerate(checkpoint.best)}
    return {"meta": np.array(json.dumps(meta)), **arrays, **best}


def _read(path: Path) -> Checkpoint:
    try:
        # NumPy does not close a file that is no archive, so it is opened here.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            meta = json.loads(str(saved["meta"]))
            arrays, best = (
                [saved[f"{kind}{index}"] for index in range(count)]
                for kind, count in zip(("array", "best"), meta["counts"], strict=True)
            )
            return Checkpoint(meta["step"], meta["recipe"], EarlyStopping(**meta["standing"]), arrays, best)
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        detail = f"the checkpoint {path} cannot be read ({error}); delete it to go on from the one before"
        raise ModelCorrupt(detail) from error
