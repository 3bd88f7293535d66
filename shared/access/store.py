"""The records of API keys: create, list, revoke. Every change is one script, which tells all processes."""

import json
from dataclasses import dataclass

from shared.access.key import ApiKey, KeyText, Scope, key_from_record, scopes_to_text
from shared.errors import KeyNotFound
from shared.redis.client import Page, newest, record_of, store_errors
from shared.redis.scripts import Scripts
from shared.settings import SettingsError

FILE_KEY_NAME = "bootstrap"
FILE_KEY_SETTING = "ATELIER_ACCESS_BOOTSTRAP_KEY"
NO_CHANGE = "0-0"  # the id before that of the first change


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """What was read of the keys: all of them, or nothing if they have not changed since."""

    version: str  # id of the latest change; NO_CHANGE if there never was a key
    now: int  # the server's time
    keys: tuple[ApiKey, ...] | None  # None: as before


class KeyStore:
    """All keys of an installation."""

    def __init__(self, scripts: Scripts) -> None:
        self._client = scripts.client
        self._scripts = scripts

    @property
    def changes_key(self) -> str:
        """The stream that has an entry for every change of a key."""
        return self._scripts.keys("key_changes")

    def create(
        self, name: str, *, owner: str, scopes: frozenset[Scope], expires_seconds: int | None = None
    ) -> tuple[ApiKey, KeyText]:
        """Create a key; return its record, and its text, which cannot be had again."""
        text = KeyText.new()
        ttl = expires_seconds * 1000 if expires_seconds else ""
        flat = self._scripts.run("access/create", text.id, _record(name, owner, scopes, text), ttl)
        return key_from_record(record_of(flat)), text

    def register(self, text: KeyText, owner: str) -> ApiKey:
        """Have the key of the bootstrap file as an admin's; an earlier key of that file is revoked.

        A key that was revoked stays so. Raises SettingsError if another key has its id.
        """
        record = _record(FILE_KEY_NAME, owner, frozenset({Scope.ADMIN}), text)
        flat = self._scripts.run("access/register", text.id, record)
        if not flat:
            raise SettingsError(f"{FILE_KEY_SETTING}: another key has the id {text.id}; draw a new key")
        return key_from_record(record_of(flat))

    def revoke(self, key_id: str) -> None:
        """Refuse a key from now on; revoking it again changes nothing. Raises KeyNotFound."""
        if self._scripts.run("access/revoke", key_id) != "ok":
            raise KeyNotFound(f"there is no key {key_id[:80]}")

    def note_use(self, key_id: str) -> None:
        """Note that a key was used now."""
        self._scripts.run("access/use", key_id)

    def read(self, known_version: str = "") -> KeyChanges:
        """Return all keys, if they have changed since a version; one round trip."""
        version, now, *records = self._scripts.run("access/read", known_version)
        if version == known_version:
            return KeyChanges(version, int(now), None)
        return KeyChanges(version, int(now), tuple(key_from_record(record_of(flat)) for flat in records))

    def page(self, *, limit: int = 20, cursor: str | None = None) -> Page[ApiKey]:
        """Return keys, newest first, revoked ones too."""
        ids = newest(self._client, self._scripts.keys("api_keys"), limit=limit, cursor=cursor)
        with store_errors():
            pipeline = self._client.pipeline(transaction=False)
            for name in ids.items:
                pipeline.hgetall(self._scripts.keys("api_key", name))
            return Page(tuple(key_from_record(raw) for raw in pipeline.execute() if raw), ids.next_cursor)

    def exist(self) -> bool:
        """Whether there ever was a key: from then on, no request is answered without one."""
        with store_errors():
            return bool(self._client.exists(self.changes_key))


def _record(name: str, owner: str, scopes: frozenset[Scope], text: KeyText) -> str:
    fields = {"name": name, "owner": owner, "scopes": scopes_to_text(scopes), "digest": text.digest}
    return json.dumps(fields)
