"""Named styles of an owner, which jobs may use instead of a picture, and the style vectors."""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from shared.errors import FileNotFound, StoreUnavailable, StyleExists, StyleNotFound
from shared.redis.client import Client, Page, newest, record_of, store_errors
from shared.redis.keys import PREFIX
from shared.redis.scripts import Scripts
from shared.specs.base import JobSpec

Spec = TypeVar("Spec", bound=JobSpec)
TTL_MILLISECONDS = 7 * 24 * 3600 * 1000
MAX_BYTES = 16 * 1024  # size limit of one vector; larger ones would take too much server memory
MAX_VECTORS = 4096


@dataclass(frozen=True, slots=True)
class StoredStyle:
    """One named style."""

    name: str
    owner: str
    file: str  # id of the picture, which is kept as long as the style
    created_at: int  # milliseconds since the epoch


def _style(raw: Mapping[str, str]) -> StoredStyle:
    return StoredStyle(raw["name"], raw["owner"], raw["file"], int(raw["created_at"]))


class StyleLibrary:
    """Named styles. A name belongs to one picture until it is deleted."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._scripts = Scripts(client, prefix=prefix)

    def add(self, owner: str, name: str, file: str) -> tuple[StoredStyle, bool]:
        """Store a style that names a stored file; return the style and whether it is new.

        Raises FileNotFound, or StyleExists if the name belongs to another picture.
        """
        how, flat = self._scripts.run("files/add_style", owner, name, file)
        if how == "missing":
            raise FileNotFound.of_field("/image", f"there is no file {file}")
        if how == "taken":
            raise StyleExists.of_field("/name", f"{name} is the name of another style; delete that first")
        return _style(record_of(flat)), how == "created"

    def find(self, owner: str, name: str) -> StoredStyle | None:
        """Return the owner's style, or None."""
        with store_errors():
            raw = self._client.hgetall(self._scripts.keys("style", owner, name))
        return _style(raw) if raw else None

    def files(self, owner: str, names: Sequence[str]) -> dict[str, str]:
        """Return the file ids of the styles that exist, by name, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for name in names:
            pipeline.hget(self._scripts.keys("style", owner, name), "file")
        with store_errors():
            found = zip(names, pipeline.execute(), strict=True)
        return {name: file for name, file in found if file}

    def get(self, owner: str, name: str) -> StoredStyle:
        """Return the owner's style; raise StyleNotFound."""
        found = self.find(owner, name)
        if found is None:
            raise StyleNotFound(f"there is no style {name}")
        return found

    def page(self, owner: str, *, limit: int = 20, cursor: str | None = None) -> Page[StoredStyle]:
        """Return the owner's styles, newest first."""
        key = self._scripts.keys("owned_styles", owner)
        names = newest(self._client, key, limit=limit, cursor=cursor)
        styles = (self.find(owner, name) for name in names.items)
        return Page(tuple(style for style in styles if style), names.next_cursor)

    def delete(self, owner: str, name: str) -> None:
        """Delete a style; jobs that named it keep its picture. Raises StyleNotFound."""
        if self._scripts.run("files/remove_style", owner, name) == "missing":
            raise StyleNotFound(f"there is no style {name}")

    def resolve(self, owner: str, spec: Spec) -> Spec:
        """Add the picture to every style with only a name; raise StyleNotFound that lists unknown names."""
        if not spec.named_styles:
            return spec
        resolved, errors = spec.with_style_files(self.files(owner, sorted(spec.named_styles)))
        if errors:
            raise StyleNotFound("; ".join(error.detail for error in errors), errors=errors)
        return resolved


class StyleVectors:
    """A cache of style vectors: a missing vector is computed again."""

    def __init__(self, client: Client, *, prefix: str = PREFIX, max_vectors: int = MAX_VECTORS) -> None:
        self._client = client
        self._scripts = Scripts(client, prefix=prefix)
        self._max_vectors = max_vectors

    def get(self, model_digest: str, file: str) -> bytes | None:
        """Return the vector that exactly these weights computed for a file; None if unknown."""
        with suppress(StoreUnavailable), store_errors():
            text = self._client.get(self._scripts.keys("vector", _name(model_digest, file)))
            return b64decode(text) if text else None
        return None

    def put(self, model_digest: str, file: str, vector: bytes) -> None:
        """Store a vector, unless it is too large."""
        if len(vector) <= MAX_BYTES:
            text = b64encode(vector).decode()
            with suppress(StoreUnavailable):
                name = _name(model_digest, file)
                self._scripts.run("files/put_vector", name, text, TTL_MILLISECONDS, self._max_vectors)


def _name(model_digest: str, file: str) -> str:
    return f"{model_digest}:{file}"
