"""Takes a backup of an installation, whether it runs or not, and restores it into an empty one."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from atelier.backup.archive import FORMAT, OBJECTS, RECORDS, BackupFile, BackupManifest, BackupWriter
from atelier.backup.offline import OfflineInstallation
from atelier.client.downloads import whole_file
from shared.backup.snapshot import Snapshot, objects_of
from shared.errors import AtelierError, ObjectDamaged, ObjectNotFound
from shared.jobs.record import RECORD_SCHEMA
from shared.redis.keys import kind_of

OnStep = Callable[[str, int, int], None]  # what is being done, how much is done, of how much


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read from the records."""

    kinds: Counter[str]
    named: dict[str, str]  # objects, each with a record that names it


def take_backup(installation: OfflineInstallation, path: Path, on_step: OnStep) -> BackupManifest:
    """Write a backup to a path, for this user alone, whole or not at all; return what it holds."""
    with whole_file(path, private=True) as file:
        manifest = write_backup(installation, file, on_step, scratch=path.parent)
    _sync_folder(path.absolute().parent)
    return manifest


def write_backup(
    installation: OfflineInstallation, file: BinaryIO, on_step: OnStep, *, scratch: Path | None = None
) -> BackupManifest:
    """Write a backup to a file or a pipe; return what it holds. `scratch` has room for the records meanwhile.

    Records come first and then the objects that they name, so it fits together though the service runs.
    """
    snapshot = Snapshot(installation.client)
    taken_at = snapshot.now()
    writer = BackupWriter(file)
    with tempfile.TemporaryFile(dir=scratch) as records:
        read = _read_records(snapshot, records, on_step)
        writer.add_file(RECORDS, records)
    missing = _add_objects(installation, read.named, writer, on_step)
    gone = {key for key in missing if not snapshot.exists(read.named[key])}
    manifest = BackupManifest(
        format=FORMAT,
        record_schema=RECORD_SCHEMA,
        taken_at=taken_at,
        software=version("atelier-service"),
        records=dict(read.kinds),
        members=writer.members,
        left_out=tuple(sorted({read.named[key] for key in gone})),
        missing=tuple(key for key in missing if key not in gone),
    )
    writer.finish(manifest)
    return manifest


def _read_records(snapshot: Snapshot, file: BinaryIO, on_step: OnStep) -> _Read:
    read = _Read(Counter(), {})
    total = snapshot.count()
    for number, copy in enumerate(snapshot.read(), 1):
        file.write(copy.to_line().encode())
        read.kinds[kind_of(copy.key)] += 1
        read.named.update(dict.fromkeys(objects_of(copy), copy.key))
        on_step("records", number, max(total, number))
    return read


def _add_objects(
    installation: OfflineInstallation, named: dict[str, str], writer: BackupWriter, on_step: OnStep
) -> list[str]:
    """Add the objects; return the keys of those that storage does not have, or not as they were put."""
    missing = []
    for number, key in enumerate(named, 1):
        try:
            writer.add(OBJECTS + key, installation.objects.get(key))
        except (ObjectNotFound, ObjectDamaged):
            missing.append(key)
        on_step("objects", number, len(named))
    return missing


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class NotEmpty(AtelierError):
    """Raised when an installation into which a backup is to be restored holds records."""

    code = "installation_not_empty"
    title = "The installation is not empty"


class BackupTooNew(AtelierError):
    """Raised when a backup holds records of a later version than this one."""

    code = "backup_too_new"
    title = "The backup is of a later version"


def verify_backup(backup: BackupFile, on_step: OnStep) -> None:
    """Go through every byte of a backup; raise BackupDamaged."""
    done, total = 0, backup.manifest.bytes
    for member in backup.verify():
        done += member.bytes
        on_step("checksums", done, total)


def restore_backup(installation: OfflineInstallation, backup: BackupFile, on_step: OnStep) -> None:
    """Restore everything: the bytes first, then the records, then the queue entries of jobs.

    The backup has been verified. Unfinished jobs start when workers do; a restore that was cut off may be
    repeated. Raises NotEmpty, or BackupTooNew.
    """
    manifest = backup.manifest
    if manifest.record_schema > RECORD_SCHEMA:
        raise BackupTooNew(
            f"it was taken with Atelier {manifest.software}; restore it with that or a later one"
        )
    snapshot = Snapshot(installation.client)
    _make_room(snapshot, backup)
    keys = manifest.object_keys
    for number, key in enumerate(keys, 1):
        installation.objects.put(key, backup.object(key))
        on_step("objects", number, len(keys))
    pause = snapshot.now() - manifest.taken_at
    total = sum(manifest.records.values())
    for number, _ in enumerate(snapshot.write(backup.records(), pause_ms=max(0, pause)), 1):
        on_step("records", number, total)
    snapshot.end()


def _make_room(snapshot: Snapshot, backup: BackupFile) -> None:
    """See that the installation is empty; what a restore of the same backup left is removed."""
    kinds = snapshot.kinds()
    was_cut_off = snapshot.is_restoring(str(backup.manifest.taken_at))
    if was_cut_off and snapshot.job_keys() <= {copy.key for copy in backup.records()}:
        snapshot.clear()
    elif kinds:
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        raise NotEmpty(f"it holds records: {found}; restore into an empty one")
    snapshot.begin(str(backup.manifest.taken_at))
