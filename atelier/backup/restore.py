"""Brings a backup back into an empty installation."""

from atelier.backup.archive import BackupFile
from atelier.backup.backup import OnStep
from atelier.backup.offline import OfflineInstallation
from shared.backup.snapshot import Snapshot
from shared.errors import AtelierError
from shared.jobs.record import RECORD_SCHEMA


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


def restore_backup(premises: OfflineInstallation, backup: BackupFile, on_step: OnStep) -> None:
    """Bring everything back: the bytes first, then the records, then the jobs into their lines.

    The backup has been verified. Unfinished jobs start when workers do; a restore that was cut off may be
    repeated. Raises NotEmpty, or BackupTooNew.
    """
    manifest = backup.manifest
    if manifest.record_schema > RECORD_SCHEMA:
        raise BackupTooNew(
            f"it was taken with Atelier {manifest.software}; restore it with that or a later one"
        )
    snapshot = Snapshot(premises.client)
    _make_room(snapshot, backup)
    keys = manifest.object_keys
    for number, key in enumerate(keys, 1):
        premises.objects.put(key, backup.object(key))
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
