"""Checks of what the settings name: state folder, storage, port, models, server."""

import errno
import os
import shutil
from pathlib import Path

from atelier.doctor import Finding, fail, ok, warn
from atelier.doctor.storage_trial import Trial, try_storage
from atelier.local.listen_socket import CannotListen, listen
from atelier.local.processes import wanted_models
from atelier.local.readiness import is_ready
from atelier.local.redis_server import names_server
from atelier.local.state_folder import read_record
from shared.cards.card import ModelCard, load_catalog
from shared.errors import AtelierError, ModelCorrupt, ModelUnavailable
from shared.network_settings import without_secrets
from shared.settings import Settings, SettingsError
from shared.storage import places
from shared.storage.local import local_folder
from shared.storage.object_store import open_storage
from worker.models.sources import advice, changed_source
from worker.models.store import ModelStore
from worker.tuning.tuned import find_tuned, pinned

GIGABYTE = 1_000_000_000
LEAST_DISK = 0.5 * GIGABYTE
GOOD_DISK = 5 * GIGABYTE


def check_state_folder(settings: Settings) -> Finding:
    """Write a file where everything is kept."""
    folder = settings.state_dir.absolute()
    try:
        places.require_private_folder("ATELIER_STATE_DIR", folder)
    except SettingsError as error:
        if names_server(os.environ):
            if _is_read_only(error):  # as in a container, on purpose
                return ok("state folder", f"{folder} is on a read-only file system, so nothing is kept there")
            return warn("state folder", str(error), "only `atelier up` needs it beside a server of its own")
        return fail("state folder", str(error), "correct ATELIER_STATE_DIR, or the folder")
    return ok("state folder", f"{folder} is writable")


def _is_read_only(error: SettingsError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EROFS


def check_storage(settings: Settings) -> Finding:
    """Write where pictures are kept; in a bucket also read it back, by a link too, and delete it."""
    remedy = "see that this user may write there, or name another place with ATELIER_STORAGE_URL"
    try:
        places.check_storage(settings)
        objects = open_storage(settings)
        objects.check()
        trial = Trial() if local_folder(settings.storage) else try_storage(objects)
    except (AtelierError, SettingsError) as error:
        return fail("storage", str(error), remedy)
    shown = without_secrets(settings.storage)
    if trial.fault:
        return fail("storage", f"{shown}: {trial.fault}", trial.remedy)
    return ok("storage", f"{shown} is writable{trial.text}")


def check_disk(settings: Settings) -> Finding:
    """Check the free space where pictures are kept; for a bucket, where the state folder is or will be."""
    folder = _existing(local_folder(settings.storage) or settings.state_dir.absolute())
    free = shutil.disk_usage(folder).free
    text = f"{free / GIGABYTE:.1f} GB free at {folder}"
    if free < LEAST_DISK:
        return fail("disk", text, "free some space, or name another place with ATELIER_STORAGE_URL")
    if free < GOOD_DISK:
        return warn(
            "disk", text, "pictures are kept for a week; ATELIER_JOBS_RETENTION_SECONDS shortens that"
        )
    if settings.disk.reclaim == "oldest" and not settings.disk.quota_mebibytes:
        advice = (
            "set ATELIER_DISK_QUOTA_MEBIBYTES too: ATELIER_DISK_RECLAIM=oldest removes nothing without it"
        )
        return warn("disk", text, advice)
    return ok("disk", text)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def check_port(settings: Settings) -> Finding:
    """Listen where the API will, or find our own API there."""
    host, port = settings.api.host, settings.api.port
    running = read_record(settings.state_dir.absolute())
    if running is not None and is_ready(running.url):
        return ok("port", f"Atelier is running at {running.url}")
    try:
        listen(host, port).close()
    except CannotListen as error:
        return fail("port", error.whole, "")
    return ok("port", f"{host} port {port} is free")


def check_cards(settings: Settings) -> list[Finding]:
    """Read the user's own cards, and check the models that ATELIER_WORKER_PRELOAD names."""
    try:
        places.check_cards(settings)
    except SettingsError as error:
        return [fail("cards", str(error), "correct or unset ATELIER_CARDS_DIR")]
    catalog = load_catalog(settings.cards)
    remedy = "correct the file, or move it out of the folder; running processes see it at once"
    faults = [fail(f"card {fault.path.name}", str(fault), remedy) for fault in catalog.faults]
    known = {card.name for card in catalog} | {fault.name for fault in catalog.faults}
    for name in settings.worker.preloaded:
        if name not in known:
            text = f"ATELIER_WORKER_PRELOAD: no model is named {name!r}"
            faults.append(fail("preload", text, f"known: {', '.join(sorted(known))}"))
    return faults or [ok("cards", f"all can be used; your own lie in {settings.cards}")]


def check_models(settings: Settings) -> list[Finding]:
    """Check the weights that workers load at start, every file against its checksum, and all sources."""
    try:
        places.check_models(settings)
    except SettingsError as error:
        return [fail("models", str(error), "correct or unset ATELIER_MODELS_DIR")]
    store, wanted = ModelStore(settings.models), wanted_models(settings)
    others = [card for card in load_catalog(settings.cards) if card not in wanted]
    findings = [_check_model(store, card) for card in wanted]
    return findings + [finding for card in others if (finding := _changed(store, card))]


def _changed(store: ModelStore, card: ModelCard) -> Finding | None:
    try:
        stored = store.find(card)
    except ModelCorrupt as error:
        return fail(f"model {card.name}", error.whole, f"`atelier models pull {card.name}`")
    file = stored and changed_source(card, stored)
    return (
        warn(f"model {card.name}", f"{file} has changed since it was pulled", advice(card, file))
        if file
        else None
    )


def _check_model(store: ModelStore, card: ModelCard) -> Finding:
    name = f"model {card.name}"
    try:
        found = store.verify(card)
    except ModelUnavailable:
        return warn(
            name, "not pulled yet", f"`atelier models pull {card.name}`; `atelier up` does it by itself"
        )
    except ModelCorrupt as error:
        return fail(name, error.whole, f"`atelier models pull {card.name}`")
    return _changed(store, card) or ok(name, f"version {card.version}, verified, {found.bytes / 1e6:.1f} MB")


def check_tuning(settings: Settings) -> Finding:
    """Say whether workers run with tuned settings, and which of them the environment replaces."""
    found = find_tuned(settings)
    if found.fault:
        return warn("tuning", f"tuned settings are not used: {found.fault}", "`atelier tune`")
    if found.tuned is None:
        return ok("tuning", "none: `atelier tune` finds the fastest settings in under two minutes")
    own = sorted(pinned(settings, os.environ))
    besides = f"; the environment decides on {' and '.join(own)}" if own else ""
    return ok("tuning", f"{found.tuned.settings}, measured {found.tuned.at[:10]}{besides}")
