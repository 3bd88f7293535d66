"""Brings a model's files from where its card says they are into an empty place; the store does the rest."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.cards.card import ModelCard
from shared.cards.parts import BuiltinSource, HubSource, SavedModelSource, TrainedSource, UrlSource
from shared.errors import ModelUnavailable
from worker.models.builders import build
from worker.models.files.archive import download, unpack
from worker.models.files.hub import SAVED_MODEL_FILE, fetch_module
from worker.models.generation.dcgan_weights import copy_weights


@dataclass(frozen=True, slots=True)
class PullStep:
    """How far a pull is, for whoever watches it."""

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
            copy_weights(Path(path), folder, sha256=sha256)
        case UrlSource():
            _fetch_archive(card.source, folder, on_step)
    return folder


def _copy(given: Path, folder: Path) -> None:
    if not (given / SAVED_MODEL_FILE).is_file():
        raise ModelUnavailable(f"{given} is not the folder of a SavedModel: it holds no {SAVED_MODEL_FILE}")
    try:
        shutil.copytree(given, folder)
    except (shutil.Error, OSError) as error:
        raise ModelUnavailable(f"{given} cannot be copied: {error}") from error


def _fetch_archive(source: UrlSource, folder: Path, on_step: OnStep) -> None:
    archive = folder.with_name("archive.tar.gz")
    download(
        source.url,
        source.sha256,
        archive,
        on_bytes=lambda done, total: on_step(PullStep("fetch", done, total)),
    )
    on_step(PullStep("unpack"))
    unpack(archive, folder)
