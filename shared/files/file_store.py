"""Files of an owner: content-addressed bytes in object storage, their records in Redis."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from shared.errors import (
    FileInUse,
    FileNotFound,
    ObjectDamaged,
    ObjectNotFound,
    QuotaExceeded,
    StorageUnavailable,
    StoreFull,
    StoreUnavailable,
)
from shared.identifiers import file_id, sha256
from shared.images.probe import ImageInfo
from shared.owners.quota import NO_QUOTAS, QuotaStore, quota_exceeded
from shared.redis.client import Client, Page, newest, record_of, store_errors
from shared.redis.keys import PREFIX
from shared.redis.memory_guard import MemoryGuard
from shared.redis.scripts import Scripts
from shared.setting_groups import JobRules, QuotaRules, blocks
from shared.specs.parts import PictureSize
from shared.storage.base import ObjectStore, input_key, read_checked
from shared.storage.disk_guard import DiskGuard

LOOKED_UP = 1000  # files that one round trip reads


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One uploaded picture."""

    id: str
    owner: str
    key: str  # in object storage
    sha256: str
    bytes: int
    media_type: str
    width: int  # pixels
    height: int  # pixels
    frames: int
    created_at: int  # milliseconds since the epoch
    expires_at: int | None = None  # in the same unit; None while a job or a style names the file
    name: str = ""  # what the client called it; known of files that came by the Replicate face, as the next
    metadata: str = "{}"  # the client's, as JSON


def _file(raw: Mapping[str, str]) -> StoredFile:
    numbers = {name: int(raw[name]) for name in ("bytes", "width", "height", "created_at")}
    texts = {name: raw[name] for name in ("id", "owner", "key", "sha256", "media_type")}
    expires_at = int(raw["expires_at"]) if raw.get("expires_at") else None
    frames = int(raw.get("frames", 1))  # an older Atelier did not store them
    about = {name: raw[name] for name in ("name", "metadata") if name in raw}
    return StoredFile(**texts, **numbers, **about, frames=frames, expires_at=expires_at)  # type: ignore[arg-type]


def _paired(flat: Sequence[str]) -> StoredFile:
    return _file(record_of(flat))


def _fields(key: str, digest: str, data: bytes, info: ImageInfo) -> dict[str, str]:
    return {
        "key": key,
        "sha256": digest,
        "bytes": str(len(data)),
        "stored_bytes": str(blocks(len(data))),
        "media_type": info.media_type,
        "width": str(info.width),
        "height": str(info.height),
        "frames": str(info.frames),
    }


class FileStore:
    """Uploads; repeated uploads of an owner are stored only once."""

    def __init__(
        self,
        client: Client,
        objects: ObjectStore,
        *,
        disk: DiskGuard | None = None,
        memory: MemoryGuard | None = None,
        retention_seconds: int = JobRules().file_retention_seconds,
        quotas: QuotaRules = NO_QUOTAS,
        prefix: str = PREFIX,
    ) -> None:
        self._client = client
        self._objects = objects
        self._disk = disk
        self._memory = memory
        self._retention = retention_seconds * 1000
        self._scripts = Scripts(client, prefix=prefix)
        self._quotas = QuotaStore(self._scripts, quotas)

    def add(
        self, owner: str, data: bytes, info: ImageInfo, *, with_form: bool = False
    ) -> tuple[StoredFile, bool]:
        """Store probed bytes; return the file and whether it is new.

        Raises OutOfDisk, StoreFull, QuotaExceeded.

        A file `with_form` is deleted with the last job that names it, unless it is also uploaded separately.
        """
        digest = sha256(data)
        how = (int(with_form), self._retention)
        flat = self._scripts.run("files/touch_file", owner, file_id(digest), *how)
        if not flat:
            return self._store(owner, digest, data, info, how)
        known = _paired(flat)
        self._restore(known, data, with_form=with_form)
        return known, False

    def _restore(self, known: StoredFile, data: bytes, *, with_form: bool) -> None:
        """Put the bytes of a known file again where its storage has lost them, or damaged those of an upload.

        What comes with forms may come with each of thousands of jobs, so one byte of it is read.
        """
        try:
            if with_form:
                self._objects.get_range(known.key, 0, 1)
            else:
                read_checked(self._objects, known.key, known.sha256)
        except (ObjectNotFound, ObjectDamaged):
            if self._disk is not None:
                self._disk.check(len(data))
            self._objects.put(known.key, data)
        except StorageUnavailable:
            return  # it is known, and cannot be looked at now: jobs with it wait until it can

    def _store(
        self, owner: str, digest: str, data: bytes, info: ImageInfo, how: tuple[int, int]
    ) -> tuple[StoredFile, bool]:
        if self._disk is not None:
            self._disk.check(len(data))
        if self._memory is not None:
            self._memory.check()
        self._quotas.check(owner, stored_bytes=blocks(len(data)))  # so that nothing is written in vain
        key = input_key(owner, digest, info.media_type)
        self._objects.put(key, data)
        fields = _fields(key, digest, data, info)
        try:
            flat = self._add_record(owner, file_id(digest), fields, how)
        except (StoreFull, QuotaExceeded):
            self._delete_unnamed(owner, file_id(digest), key)
            raise
        stored = _paired(flat)
        if stored.key != key:
            self._objects.delete(key)  # a concurrent upload stored the same bytes; its copy stays
        # Where a reply was lost, the script was sent twice, and its second answer is of the record it made.
        return stored, stored.key == key

    def _delete_unnamed(self, owner: str, name: str, key: str) -> None:
        """Delete bytes that were refused: repeated tries must not fill the disk.

        The refusal may be of the script's second try, after a lost reply: then a record may name them.
        """
        with suppress(StoreUnavailable):  # then they stay, and the collector judges them
            known = self.find(owner, name)
            if known is None or known.key != key:
                self._objects.delete(key)

    def _add_record(
        self, owner: str, name: str, fields: Mapping[str, str], how: tuple[int, int]
    ) -> Sequence[str]:
        arguments = (json.dumps(fields), *how, self._quotas.defaults)
        word, *rest = self._scripts.run("files/add_file", owner, name, *arguments)
        if word == "quota":
            raise quota_exceeded(*rest)
        flat: Sequence[str] = rest[0]
        return flat

    def describe(self, owner: str, name: str, *, called: str, metadata: str) -> None:
        """Note what the client calls a file, and its metadata as JSON; nothing where the file is gone."""
        self._scripts.run("files/describe_file", owner, name, called, metadata)

    def find(self, owner: str, name: str) -> StoredFile | None:
        """Return the owner's file, or None."""
        with store_errors():
            raw = self._client.hgetall(self._scripts.keys("file", owner, name))
        return _file(raw) if raw else None

    def sizes(self, owner: str, names: Sequence[str]) -> dict[str, PictureSize]:
        """Return the sizes of the files that exist; each round trip reads up to a thousand."""
        found: dict[str, PictureSize] = {}
        for part in (names[at : at + LOOKED_UP] for at in range(0, len(names), LOOKED_UP)):
            pipeline = self._client.pipeline(transaction=False)
            for name in part:
                pipeline.hmget(self._scripts.keys("file", owner, name), "width", "height", "frames")
            with store_errors():
                sides = zip(part, pipeline.execute(), strict=True)
            found |= {
                name: PictureSize(int(width), int(height), int(frames or 1))
                for name, (width, height, frames) in sides
                if width
            }
        return found

    def get(self, owner: str, name: str) -> StoredFile:
        """Return the owner's file; raise FileNotFound."""
        found = self.find(owner, name)
        if found is None:
            raise FileNotFound(f"there is no file {name}")
        return found

    def page(self, owner: str, *, limit: int = 20, cursor: str | None = None) -> Page[StoredFile]:
        """Return the owner's files, newest first."""
        key = self._scripts.keys("owned_files", owner)
        names = newest(self._client, key, limit=limit, cursor=cursor)
        files = (self.find(owner, name) for name in names.items)
        return Page(tuple(file for file in files if file), names.next_cursor)

    def delete(self, owner: str, name: str) -> None:
        """Delete a file; raise FileNotFound, or FileInUse while a job or a style needs it."""
        outcome = self._scripts.run("files/remove_file", owner, name)
        if outcome == "missing":
            raise FileNotFound(f"there is no file {name}")
        if outcome == "in_use":
            raise FileInUse(f"the file {name} is needed by an unfinished job or a stored style")
