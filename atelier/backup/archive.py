"""The form of a backup: a tar of records.jsonl, the objects, and a manifest with the sha256 of each."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from shared.backup.record_copy import RecordCopy
from shared.errors import AtelierError

FORMAT = 1
RECORDS = "records.jsonl"
OBJECTS = "objects/"
MANIFEST = "manifest.json"
MANIFEST_SUM = "manifest.sha256"
CHUNK = 1024 * 1024


class BackupDamaged(AtelierError):
    """Raised when a file is no backup, was cut off, or differs from its checksums."""

    code = "backup_damaged"
    title = "The backup cannot be used"


@dataclass(frozen=True, slots=True)
class BackupMember:
    """One file of the tar."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """The contents of a backup, as its manifest lists them."""

    format: int
    record_schema: int  # of the newest record that may be in it
    taken_at: int  # milliseconds since the epoch, by the server, when the reading began
    software: str  # the version of Atelier that took it
    records: Mapping[str, int]  # how many of each kind
    members: Mapping[str, BackupMember] = field(repr=False)
    left_out: tuple[str, ...] = ()  # records that were deleted while the backup was taken
    missing: tuple[str, ...] = ()  # objects that a record names and that storage did not have

    @property
    def object_keys(self) -> list[str]:
        """The objects in the backup, by key."""
        return [name.removeprefix(OBJECTS) for name in self.members if name.startswith(OBJECTS)]

    @property
    def bytes(self) -> int:
        """Bytes of all members."""
        return sum(member.bytes for member in self.members.values())

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "BackupManifest":
        """Read what `asdict` wrote; raise BackupDamaged for a format of a later version."""
        if body.get("format") != FORMAT:
            raise BackupDamaged(f"its format is {body.get('format')}; this version reads {FORMAT}")
        members = {name: BackupMember(**member) for name, member in body.pop("members").items()}
        left_out, missing = (tuple(body.pop(name)) for name in ("left_out", "missing"))
        return cls(members=members, left_out=left_out, missing=missing, **body)


class BackupWriter:
    """Adds members to the tar, and notes their checksums."""

    def __init__(self, file: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.members: dict[str, BackupMember] = {}

    def add(self, name: str, data: bytes) -> None:
        """Add bytes under a name."""
        self._put(name, len(data), io.BytesIO(data))
        self.members[name] = BackupMember(len(data), hashlib.sha256(data).hexdigest())

    def add_file(self, name: str, file: BinaryIO) -> None:
        """Add what a file holds."""
        file.seek(0)
        member = _member_of(file)
        file.seek(0)
        self._put(name, member.bytes, file)
        self.members[name] = member

    def _put(self, name: str, size: int, file: Any) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        self._tar.addfile(entry, file)

    def finish(self, manifest: BackupManifest) -> None:
        """Add the manifest and end the tar."""
        text = json.dumps(asdict(manifest), indent=1).encode()
        self._put(MANIFEST, len(text), io.BytesIO(text))
        line = f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n".encode()
        self._put(MANIFEST_SUM, len(line), io.BytesIO(line))
        self._tar.close()


class BackupFile:
    """A backup to be read. Call `verify` before anything in it is used."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._entries = {entry.name: entry for entry in tar.getmembers()}
        self.manifest = self._read_manifest()

    def _read_manifest(self) -> BackupManifest:
        if MANIFEST not in self._entries or MANIFEST_SUM not in self._entries:
            raise BackupDamaged("it has no manifest: it is no backup, or was cut off")
        text = self._read(MANIFEST)
        if self._read(MANIFEST_SUM).decode("ascii", "replace").split()[:1] != [
            hashlib.sha256(text).hexdigest()
        ]:
            raise BackupDamaged("its manifest is damaged")
        return BackupManifest.from_json(json.loads(text))

    def _open(self, name: str) -> Any:
        file = self._tar.extractfile(self._entries[name])
        assert file is not None
        return file

    def _read(self, name: str) -> bytes:
        data: bytes = self._open(name).read()
        return data

    def verify(self) -> Iterator[BackupMember]:
        """Compare every member with its checksum, and yield it when it is good; raise BackupDamaged."""
        names = set(self._entries) - {MANIFEST, MANIFEST_SUM}
        if names != set(self.manifest.members):
            raise BackupDamaged(f"{len(names ^ set(self.manifest.members))} members are missing or too many")
        for name, member in self.manifest.members.items():
            if _member_of(self._open(name)) != member:
                raise BackupDamaged(f"{name} differs from its checksum")
            yield member

    def records(self) -> Iterator[RecordCopy]:
        """Yield the records, without those that were deleted while the backup was taken."""
        left_out = set(self.manifest.left_out)
        for line in self._open(RECORDS):
            copy = RecordCopy.from_line(line)
            if copy.key not in left_out:
                yield copy

    def object(self, key: str) -> bytes:
        """Return the bytes of an object."""
        return self._read(OBJECTS + key)


def _member_of(file: Any) -> BackupMember:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return BackupMember(size, digest.hexdigest())


@contextmanager
def open_backup(path: Path) -> Iterator[BackupFile]:
    """Open a backup; raise BackupDamaged where it cannot be read as one."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield BackupFile(tar)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BackupDamaged(f"{path}: {error}") from error
    except BackupDamaged as error:
        raise BackupDamaged(f"{path}: {error.detail}") from error
