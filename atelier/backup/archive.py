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

from pydantic import TypeAdapter

from atelier.backup.accepted import RecordCheck, RecordRefused
from shared.backup.record_copy import RecordCopy
from shared.errors import AtelierError
from shared.images.formats import sniff
from shared.tar_reader import TarEntry, TarReader

FORMAT = 1
RECORDS = "records.jsonl"
OBJECTS = "objects/"
MANIFEST = "manifest.json"
MANIFEST_SUM = "manifest.sha256"
CHUNK = 1024 * 1024
MOST_MEMBERS = 10_000_000
MOST_MANIFEST = 4 << 30  # bytes: 150 a member
MOST_OBJECT = 1 << 30  # bytes, as the largest body that may be configured
MOST_RECORD = 256 << 20  # bytes: the names of a million items are one record
HEAD = 64  # bytes of an object that show its format


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
    def from_json(cls, body: Any) -> "BackupManifest":
        """Read what `asdict` wrote; raise BackupDamaged for a format of a later version."""
        if not isinstance(body, dict):
            raise BackupDamaged("its manifest is none")
        if body.get("format") != FORMAT:
            raise BackupDamaged(f"its format is {str(body.get('format'))[:20]}; this version reads {FORMAT}")
        return _MANIFEST.validate_python(body)


_MANIFEST = TypeAdapter(BackupManifest)


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

    def __init__(self, file: BinaryIO) -> None:
        self._tar = TarReader(file, most_entries=MOST_MEMBERS)
        self._entries: dict[str, TarEntry] = {}
        for entry in self._tar.entries():
            if entry.is_folder or entry.name in self._entries:
                raise BackupDamaged(f"{entry.name} is in it twice, or is a folder")
            self._entries[entry.name] = entry
        self.manifest = self._read_manifest()

    def _read_manifest(self) -> BackupManifest:
        if MANIFEST not in self._entries or MANIFEST_SUM not in self._entries:
            raise BackupDamaged("it has no manifest: it is no backup, or was cut off")
        text = self._read(MANIFEST, MOST_MANIFEST)
        if self._read(MANIFEST_SUM, CHUNK).decode("ascii", "replace").split()[:1] != [
            hashlib.sha256(text).hexdigest()
        ]:
            raise BackupDamaged("its manifest is damaged")
        return BackupManifest.from_json(json.loads(text))

    def _read(self, name: str, most: int) -> bytes:
        entry = self._entries[name]
        if entry.size > most:
            raise BackupDamaged(f"{name} has {entry.size} bytes; at most {most} are read")
        with self._tar.open(entry) as file:
            return file.read()

    def verify(self) -> Iterator[BackupMember]:
        """Compare every member with its checksum, and yield it when it is good; raise BackupDamaged.

        Then see that it holds nothing but records as backups copy them, and the pictures that they name.
        """
        names = set(self._entries) - {MANIFEST, MANIFEST_SUM}
        if names != set(self.manifest.members):
            raise BackupDamaged(f"{len(names ^ set(self.manifest.members))} members are missing or too many")
        for name, member in self.manifest.members.items():
            with self._tar.open(self._entries[name]) as file:
                if _member_of(file) != member:
                    raise BackupDamaged(f"{name} differs from its checksum")
            yield member
        self._check_contents(names - {RECORDS})

    def _check_contents(self, objects: set[str]) -> None:
        check = RecordCheck()
        try:
            named = {OBJECTS + key for copy in self._all_records() for key in check(copy)}
        except RecordRefused as error:
            raise BackupDamaged(f"{RECORDS}: {error.detail}") from error
        for name in objects:
            if name not in named:
                raise BackupDamaged(f"no record in it names {name}")
            with self._tar.open(self._entries[name]) as file:
                if not sniff(file.read(HEAD)):
                    raise BackupDamaged(f"{name} is no picture")

    def records(self) -> Iterator[RecordCopy]:
        """Yield the records, without those that were deleted while the backup was taken."""
        left_out = set(self.manifest.left_out)
        return (copy for copy in self._all_records() if copy.key not in left_out)

    def _all_records(self) -> Iterator[RecordCopy]:
        with self._tar.open(self._entries[RECORDS]) as file:
            while line := file.readline(MOST_RECORD):
                yield RecordCopy.from_line(line)

    def object(self, key: str) -> bytes:
        """Return the bytes of an object."""
        return self._read(OBJECTS + key, MOST_OBJECT)


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
        with path.open("rb") as file:
            yield BackupFile(file)
    except (EOFError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BackupDamaged(f"{path}: {error}") from error
    except BackupDamaged as error:
        raise BackupDamaged(f"{path}: {error.detail}") from error
