"""The manifest of a stored model: its files with their checksums."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from shared.cards.card import ModelCard
from shared.errors import ModelCorrupt
from shared.small_file import read_small

MANIFEST_FILE = "manifest.json"
_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a stored model."""

    path: str  # relative to the model's folder, with forward slashes
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """The contents of a model's folder, as they were when it was pulled."""

    name: str
    version: str
    source: dict[str, Any]  # the card's source at that time
    created_by: str  # Atelier's version
    files: tuple[ModelFile, ...]  # by path
    digest: str  # sha256 over the file list; equal digests mean equal files

    def to_json(self) -> dict[str, Any]:
        """Return the file's content."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ModelManifest":
        """Parse the file's content; KeyError or TypeError when members are missing or unknown."""
        files = tuple(ModelFile(**entry) for entry in data["files"])
        return cls(**{**data, "files": files})


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that the store holds."""

    folder: Path
    manifest: ModelManifest

    @property
    def mark(self) -> tuple[int, int]:
        """What another pull changes, even if it brings the same files; raise OSError where they are gone."""
        about = (self.folder / MANIFEST_FILE).stat()
        return about.st_ino, about.st_mtime_ns

    @property
    def bytes(self) -> int:
        """Size of the model's files."""
        return sum(file.bytes for file in self.manifest.files)


def make_manifest(card: ModelCard, folder: Path, on_bytes: Callable[[int], None]) -> ModelManifest:
    """Checksum every file under a folder; calls `on_bytes` with the number of bytes of each read."""
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = tuple(_describe(folder, path, on_bytes) for path in paths if path != MANIFEST_FILE)
    return ModelManifest(
        name=card.name,
        version=card.version,
        source=card.source.model_dump(),
        created_by=_atelier_version(),
        files=files,
        digest=digest_of(files),
    )


def digest_of(files: tuple[ModelFile, ...]) -> str:
    """Return the sha256 of the canonical file list: sorted by path, compact JSON."""
    entries = [[file.path, file.bytes, file.sha256] for file in sorted(files, key=lambda file: file.path)]
    return hashlib.sha256(json.dumps(entries, separators=(",", ":")).encode()).hexdigest()


def write_manifest(folder: Path, manifest: ModelManifest) -> None:
    """Write manifest.json into a folder that no other process uses yet."""
    text = json.dumps(manifest.to_json(), indent=2, sort_keys=True) + "\n"
    (folder / MANIFEST_FILE).write_text(text, "utf-8")


def read_manifest(folder: Path) -> ModelManifest:
    """Read a stored model's manifest.json; raise ModelCorrupt when it is not one."""
    path = folder / MANIFEST_FILE
    try:
        manifest = ModelManifest.from_json(json.loads(read_small(path)))
        agrees = manifest.digest == digest_of(manifest.files)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        text = f"{MANIFEST_FILE} of a model cannot be read; {repull(folder)}"
        raise ModelCorrupt(text, inside=f"{path}: {error!r}") from error
    if not agrees:
        text = f"{MANIFEST_FILE} of a model does not agree with itself; {repull(folder)}"
        raise ModelCorrupt(text, inside=str(path))
    return manifest


def check_files(folder: Path, manifest: ModelManifest) -> None:
    """Compare every file with its checksum; raise ModelCorrupt with the first that differs."""
    for file in manifest.files:
        try:
            found = _describe(folder, file.path, lambda _: None)
        except OSError as error:
            text = f"{file.path} of a model cannot be read; {repull(folder)}"
            raise ModelCorrupt(text, inside=str(error)) from error
        if found != file:
            text = f"{file.path} differs from its checksum; {repull(folder)}"
            raise ModelCorrupt(text, inside=str(folder))


def repull(folder: Path) -> str:
    """Return the advice that repairs a damaged model."""
    return f"run `atelier models pull {folder.parent.name}`"


def _describe(folder: Path, path: str, on_bytes: Callable[[int], None]) -> ModelFile:
    digest, size = hashlib.sha256(), 0
    with (folder / path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            on_bytes(len(chunk))
    return ModelFile(path, digest.hexdigest(), size)


def fsync_tree(folder: Path) -> None:
    """Make every file and folder of a tree durable, the root's own entry excepted."""
    for path in [folder, *folder.rglob("*")]:
        fsync(path)


def fsync(path: Path) -> None:
    """Make one file's content, or one folder's entries, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _atelier_version() -> str:
    try:
        return version("atelier-service")
    except PackageNotFoundError:
        return "unknown"
