"""`atelier backup` and `atelier restore`: a whole installation in one file, and back."""

import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from atelier.backup.archive import BackupManifest, open_backup
from atelier.backup.backup import restore_backup, take_backup, verify_backup, write_backup
from atelier.backup.offline import enter, enter_stopped
from atelier.commands.options.destination import OutputFile
from atelier.display import echo, echo_json
from atelier.display.progress_bar import step_bars
from atelier.lazy_group import interruption
from shared.settings import Settings

MEGABYTE = 1_000_000


@click.command(short_help="Put everything into one file.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--check", is_flag=True, help="Verify a backup that is there, instead of taking one.")
@click.option("--replace", is_flag=True, help="Replace FILE where it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print what the backup holds as JSON.")
def backup(*, file: Path, check: bool, replace: bool, as_json: bool) -> None:
    """Write all jobs, styles, files and pictures into FILE; the service may run meanwhile.

    An existing FILE stays as it is, unless --replace is given: then the new one takes its place when it is
    complete; - is the standard output. Models are not in it: `atelier models pull`.

    \b
    atelier backup monday.tar
    atelier backup --check monday.tar
    """
    if check:
        with open_backup(file) as found, step_bars() as on_step:
            verify_backup(found, on_step)
        _report(found.manifest, f"{file} is good", as_json=as_json)
        return
    OutputFile(dash=True)(str(file))
    if str(file) != "-" and os.path.lexists(file) and not replace:
        raise click.UsageError(f"{file} is there already; name another file, or replace it with --replace")
    left = "what was written of it is of no use" if str(file) == "-" else f"{file} is as it was"
    with interruption(left), enter(Settings.from_env()) as installation, step_bars() as on_step:
        if str(file) == "-":
            manifest = write_backup(installation, sys.stdout.buffer, on_step)
        else:
            manifest = take_backup(installation, file, on_step)
    _report(manifest, str(file), as_json=as_json, err=str(file) == "-")


@click.command(short_help="Bring a backup into an empty installation.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what the backup held as JSON.")
def restore(*, file: Path, as_json: bool) -> None:
    """Verify FILE, then bring everything in it into an installation that is empty and stopped.

    Jobs that were waiting or running start once the service does.

    \b
    atelier restore monday.tar
    """
    begin_again = interruption("nothing of it counts yet; the same command begins again")
    with begin_again, open_backup(file) as found, step_bars() as on_step:
        verify_backup(found, on_step)
        with enter_stopped(Settings.from_env()) as installation:
            restore_backup(installation, found, on_step)
    _report(found.manifest, f"restored {file}", as_json=as_json)


def _report(manifest: BackupManifest, title: str, *, as_json: bool, err: bool = False) -> None:
    if as_json:
        echo_json(_facts(manifest), err=err)
        return
    counts = {kind: manifest.records.get(kind, 0) for kind in ("job", "file", "style")}
    counts["picture"] = len(manifest.object_keys)
    held = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items())
    moment = datetime.fromtimestamp(manifest.taken_at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    echo(f"{title}: {held}, {manifest.bytes / MEGABYTE:.1f} MB, taken {moment}", err=err)
    if manifest.left_out:
        echo(f"left out, as they were deleted meanwhile: {len(manifest.left_out)} records", err=True)
    for key in manifest.missing:
        echo(f"warning: storage does not have {key}", err=True)


def _facts(manifest: BackupManifest) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(manifest).items() if name != "members"}
    return {**facts, "objects": len(manifest.object_keys), "bytes": manifest.bytes}
