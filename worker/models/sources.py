"""Where a model's files come from: brings them into an empty place, tells whether a source has changed."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.cards.card import ModelCard
from shared.cards.parts import BuiltinSource, HubSource, SavedModelSource, TrainedSource, UrlSource
from shared.errors import ModelUnavailable
from worker.models.builders import build
from worker.models.files.hub import SAVED_MODEL_FILE, copy_model, fetch_module
from worker.models.files.manifest import MANIFEST_FILE, ModelFile, StoredModel


@dataclass(frozen=True, slots=True)
class PullStep:
    """How far a pull is."""

    step: str  # build, fetch, copy, unpack or check
    done_bytes: int = 0  # stays 0 where bytes are not counted
    total_bytes: int | None = None  # None where unknown


OnStep = Callable[[PullStep], None]


def fetch(card: ModelCard, workplace: Path, on_step: OnStep) -> Path:
    """Make a folder with the model's files inside `workplace`, a private folder, and return it."""
    folder = workplace / "model"
    match card.source:
        case BuiltinSource(builder=name):
            on_step(PullStep("build"))
            folder.mkdir()
            build(name, folder)
        case HubSource(handle=handle):
            on_step(PullStep("fetch"))
            fetch_module(handle, folder)
        case SavedModelSource(folder=given):
            on_step(PullStep("copy"))
            _copy(given, folder)
        case TrainedSource(path=path, sha256=sha256):
            on_step(PullStep("copy"))
            folder.mkdir()
            _copy_trained(card.kind)(Path(path), folder, sha256=sha256)
        case UrlSource():
            _fetch_archive(card.source, folder, on_step)
    return folder


def _copy(given: Path, folder: Path) -> None:
    if not (given / SAVED_MODEL_FILE).is_file():
        raise ModelUnavailable(f"{given} is not the folder of a SavedModel: it holds no {SAVED_MODEL_FILE}")
    try:
        copy_model(given, folder)
    except (shutil.Error, OSError) as error:
        raise ModelUnavailable(f"{given} cannot be copied: {error}") from error


def _fetch_archive(source: UrlSource, folder: Path, on_step: OnStep) -> None:
    from worker.models.files.archive import download, unpack  # which loads an HTTP client

    archive = folder.with_name("archive.tar.gz")
    download(
        source.url,
        source.sha256,
        archive,
        on_bytes=lambda done, total: on_step(PullStep("fetch", done, total)),
    )
    on_step(PullStep("unpack"))
    unpack(archive, folder)


def changed_source(card: ModelCard, stored: StoredModel) -> Path | None:
    """Return the first file of the source that differs from the stored one, None where there is none.

    None also where the source is not on this machine, or no longer. Files
    of the size and time of change that they had when they were copied are not read.
    """
    known = {file.path: file for file in stored.manifest.files}
    match card.source:
        case SavedModelSource(folder=folder) if (folder / SAVED_MODEL_FILE).is_file():
            names = _names(folder) | set(known)
        case TrainedSource(path=path):
            folder = Path(path)  # the store may hold more: what was built from the weights
            names = {name for name in known if (folder / name).is_file()}
        case _:
            return None
    differing = (folder / name for name in sorted(names) if _differs(folder, stored, known.get(name), name))
    return next(differing, None)


def _names(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {MANIFEST_FILE}


def _differs(folder: Path, stored: StoredModel, known: ModelFile | None, name: str) -> bool:
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
    """Return what has changed, and both ways to take the new network into service."""
    return (
        f"{file} is not what was pulled as {card.name} {card.version}, which stays in service; give the card "
        f"a new version and pull it, or replace this one by `atelier models pull --replace {card.name}`"
    )


def _copy_trained(kind: str) -> Callable[..., object]:
    """Return what takes the folder of a training run, an empty one, and the sha256 of the weights."""
    if kind == "generate":  # imported late: `atelier up` asks the store too, and needs no NumPy for it
        from worker.models.generation.dcgan import copy_weights

        return copy_weights
    from worker.models.stylization.trained import build_trained

    return build_trained
