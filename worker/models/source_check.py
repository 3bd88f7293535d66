"""Whether what a card's source holds now is still what was pulled from it."""

import hashlib
from pathlib import Path

from shared.cards.card import ModelCard
from shared.cards.parts import SavedModelSource, TrainedSource
from worker.models.files.hub import SAVED_MODEL_FILE
from worker.models.files.manifest import MANIFEST_FILE, StoredFile
from worker.models.store import StoredModel


def changed_source(card: ModelCard, stored: StoredModel) -> Path | None:
    """Return the first file of the source that differs from the stored one, None where there is none.

    None also where this machine cannot tell: a source that is not there any more, or lies elsewhere. Files
    of the size and time of change that they had when they were copied are not read.
    """
    match card.source:
        case SavedModelSource(folder=folder):
            names = _names(folder) if (folder / SAVED_MODEL_FILE).is_file() else set()
        case TrainedSource(path=path):
            folder, names = Path(path), set()
        case _:
            return None
    known = {file.path: file for file in stored.manifest.files}
    if not (names or all((folder / name).is_file() for name in known)):
        return None
    differing = (
        folder / name
        for name in sorted(names | set(known))
        if _differs(folder, stored, known.get(name), name)
    )
    return next(differing, None)


def _names(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {MANIFEST_FILE}


def _differs(folder: Path, stored: StoredModel, known: StoredFile | None, name: str) -> bool:
    try:
        now, then = (folder / name).stat(), (stored.folder / name).stat()
        if known is None or now.st_size != known.bytes:
            return True
        if now.st_mtime_ns == then.st_mtime_ns:
            return False
        with (folder / name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() != known.sha256
    except OSError:
        return True


def advice(card: ModelCard, file: Path) -> str:
    """Say what is the matter, and both ways to take the new network into service."""
    return (
        f"{file} is not what was pulled as {card.name} {card.version}, which stays in service; give the card "
        f"a new version and pull it, or replace this one by `atelier models pull --replace {card.name}`"
    )
