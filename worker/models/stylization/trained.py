"""The files of a stylizer that `atelier train` made: its weights, a record of them, and what serves them."""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.errors import ModelCorrupt, ModelUnavailable
from worker.models.runtime import import_tensorflow
from worker.models.style_network.weights import (
    TRANSFORMER_FILE,
    TransformerWeights,
    read_transformer,
    write_transformer,
)

RECORD_FILE = "stylizer.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StylizerRecord:
    """Facts about a weights file, which lie beside it."""

    sha256: str  # of the weights file
    style: str  # name of the style picture's file
    style_sha256: str
    photos: int
    data: str  # sha256 of the photos' names and contents
    features: str  # the network whose features were compared, with its version
    hyperparameters: dict[str, Any]  # of the training
    losses: dict[str, float]  # of its last step


def write_stylizer(folder: Path, weights: TransformerWeights, **facts: Any) -> StylizerRecord:
    """Write the weights and their record into a folder; return the record. Equal weights give equal bytes."""
    write_transformer(weights, folder)
    record = StylizerRecord(sha256=_sha256(folder / TRANSFORMER_FILE), **facts)
    (folder / RECORD_FILE).write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")
    return record


def read_record(folder: Path) -> StylizerRecord:
    """Return the record; raise ModelUnavailable where there is none, ModelCorrupt where it is no such."""
    try:
        return StylizerRecord(**json.loads((folder / RECORD_FILE).read_text("utf-8")))
    except FileNotFoundError as error:
        raise ModelUnavailable("a file of the model is missing", inside=str(error.filename)) from error
    except (OSError, ValueError, TypeError) as error:
        raise ModelCorrupt(
            f"{RECORD_FILE} is not a record of weights", inside=f"{folder}: {error}"
        ) from error


def build_trained(source: Path, folder: Path, *, sha256: str) -> None:
    """Copy a run's weights and their record into an empty folder, and write the SavedModel that serves them.

    Raises ModelUnavailable where a file is missing, ModelCorrupt where the weights are not those asked for.
    """
    read_record(source)
    for name in (TRANSFORMER_FILE, RECORD_FILE):
        try:
            shutil.copyfile(source / name, folder / name)
        except OSError as error:
            raise ModelUnavailable(f"{source / name} cannot be copied: {error}") from error
    found = _sha256(folder / TRANSFORMER_FILE)
    if found != sha256:
        raise ModelCorrupt(f"{source} holds weights of sha256 {found}, not {sha256}")
    weights = read_transformer(folder)
    assert weights is not None, "the file was copied"
    import_tensorflow()
    from worker.models.style_network.fast import FastTransformer
    from worker.models.stylization.savedmodel_export import export_builtin_styles

    export_builtin_styles(FastTransformer(weights), folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
