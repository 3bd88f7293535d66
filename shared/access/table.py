"""The keys as a process knows them: read again twice a second, however many requests come with a valid one.

Before a key is refused they are read once more, as another process may just have made it.
"""

import hmac
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from shared.access.key import ApiKey, KeyText, Scope
from shared.access.signed_url import is_signed, signed_query
from shared.access.store import NO_CHANGE, KeyStore
from shared.audit import Event, audit
from shared.errors import AtelierError, StoreUnavailable
from shared.identifiers import ANONYMOUS
from shared.network_settings import AccessSettings

FRESH_SECONDS = 0.5
AGAIN_SECONDS = 0.02  # between two readings for keys that are not taken, whatever their number
NOTED_SECONDS = 60.0  # between two notes of a key's use
_NEVER = float("-inf")
_NO_DIGEST = "0" * 64  # compared with, where no key has the id


@dataclass(frozen=True, slots=True)
class KeysAt:
    """Up to which change the keys are known, and when that was asked for."""

    version: str  # id of the latest change
    clock: float  # the server's time minus the monotonic clock, in milliseconds
    asked_at: float  # by the monotonic clock

    @classmethod
    def told(cls, version: str, now: int, asked_at: float) -> "KeysAt":
        """Return what the server has told just now; `now` is its time."""
        return cls(version, now - time.monotonic() * 1000, asked_at)


class KeyTable:
    """All keys, as of at most half a second ago. Safe to share between threads."""

    def __init__(
        self,
        store: KeyStore,
        *,
        file_key: KeyText | None = None,
        always: bool = False,
        signed_seconds: int = AccessSettings().signed_url_seconds,
    ) -> None:
        """`file_key` is registered before the first read; with `always`, keys are needed without a record.

        Signed addresses are valid for `signed_seconds` at least.
        """
        self._store = store
        self._signed_seconds = signed_seconds
        self._file_key = file_key
        self._always = always or file_key is not None
        self._lock = threading.Lock()
        self._keys: dict[str, ApiKey] = {}
        self._noted: dict[str, float] = {}  # when each key's use was noted last
        self._version = ""
        self._read_at = _NEVER  # by the monotonic clock
        self._clock = 0.0  # the server's time minus the monotonic clock, in milliseconds
        self._failed_at = _NEVER
        self._failure: AtelierError | None = None

    @property
    def changes_key(self) -> str:
        """The stream that has an entry for every change of a key."""
        return self._store.changes_key

    @property
    def version(self) -> str:
        """The id of the latest change that is known."""
        return self._version or NO_CHANGE

    @property
    def are_needed(self) -> bool:
        """Whether a request needs a key, by what is known."""
        return self._always or self.version != NO_CHANGE

    def find(self, text: KeyText) -> ApiKey | None:
        """Return the key whose id and secret these are, by what is known, valid or not."""
        known = self._keys.get(text.id)
        is_same = hmac.compare_digest(known.digest if known else _NO_DIGEST, text.digest)
        return known if known and is_same else None

    def fault(self, key_id: str) -> str:
        """Return why a key is not taken now, by what is known, or ""."""
        known = self._keys.get(key_id)
        return known.fault(self._now()) if known else "the API key is gone"

    def seconds_left(self, key_id: str) -> float:
        """Return the seconds until a key expires."""
        known = self._keys.get(key_id)
        if known is None or known.expires_at is None:
            return float("inf")
        return max(0.0, (known.expires_at - self._now()) / 1000)

    def signed_query(self, key: ApiKey, path: str) -> str:
        """Return the query with which anybody may read a path for a time, in a key's name."""
        return signed_query(key, path, self._now(), seconds=self._signed_seconds)

    def key_to_sign_for(self, owner: str) -> ApiKey | None:
        """Return the owner's key that may read and is valid for the longest time; None if there is none."""
        now = self._now()
        fit = [
            key
            for key in self._keys.values()
            if key.owner == owner and key.allows(Scope.READ) and not key.fault(now)
        ]
        return max(fit, key=lambda key: (key.expires_at or float("inf"), key.created_at), default=None)

    def signer_of(self, path: str, key_id: str, expires: str, signature: str) -> ApiKey | None:
        """Return the key that signed a path's address, if key and signature are valid now."""
        key = self._keys.get(key_id)
        if key is None or key.fault(self._now()):
            return None
        is_valid = is_signed(key, path, expires=expires, signature=signature, now=self._now())
        return key if is_valid else None

    def note_use(self, key: ApiKey) -> None:
        """Note that a key was used: at most once a minute, and never at the cost of the request."""
        now = self._now()
        last = max(self._noted.get(key.id, 0.0), key.used_at or 0)
        if now - last < NOTED_SECONDS * 1000:
            return
        self._noted[key.id] = now
        with suppress(AtelierError):
            self._store.note_use(key.id)

    def outdate(self, version: str) -> None:
        """Read the keys again before the next answer: there is a change after this version."""
        with self._lock:
            if self.version == version:
                self._read_at = _NEVER

    def read_again(self) -> None:
        """Read the keys for a request with one that is not taken: another process may just have made it.

        Requests that come at once share a reading. Raises StoreUnavailable.
        """
        began = time.monotonic()
        time.sleep(max(0.0, self._read_at + AGAIN_SECONDS - began))
        with self._lock:
            if self._read_at < began:
                self._read_at = _NEVER
        self.refresh()

    def look(self, seconds: float = FRESH_SECONDS) -> None:
        """Read the keys if they are older; a job store that is away is no error: they cannot change."""
        if time.monotonic() - self._read_at < seconds:
            return
        if time.monotonic() - self._failed_at > FRESH_SECONDS:
            with suppress(StoreUnavailable):
                self.refresh()

    def confirm(self, told: KeysAt) -> bool:
        """Whether what is known is so still, by what another script told; if not, `refresh` reads it."""
        with self._lock:
            is_so = told.version == self._version
            if not is_so:
                self._read_at = _NEVER
            elif told.asked_at > self._read_at:
                self._note(told)
            return is_so

    def refresh(self) -> None:
        """Read the keys, unless that was done just now; raise StoreUnavailable.

        Threads that wait for the same read share its failure, so that a server that does not answer holds
        none of them for longer than one read takes.
        """
        began = time.monotonic()
        if began - self._read_at < FRESH_SECONDS:
            return
        with self._lock:
            if time.monotonic() - self._read_at < FRESH_SECONDS:
                return
            if self._failure is not None and self._failed_at > began:
                raise StoreUnavailable(self._failure.detail, inside=self._failure.inside) from self._failure
            try:
                self._read()
                self._failure = None
            except StoreUnavailable as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise

    def _read(self) -> None:
        if self._file_key is not None:
            key = self._store.register(self._file_key, ANONYMOUS)
            audit(Event.BOOTSTRAP_KEY, **_fields(key))
            self._file_key = None
        asked_at = time.monotonic()
        found = self._store.read(self._version)
        if found.keys is not None:
            known = {key.id: key for key in found.keys}
            if self._version:
                _audit_changes(self._keys, known)
            self._keys = known
        self._note(KeysAt.told(found.version, found.now, asked_at))

    def _note(self, told: KeysAt) -> None:
        self._version, self._clock, self._read_at = told.version, told.clock, told.asked_at

    def _now(self) -> float:
        return time.monotonic() * 1000 + self._clock


def _audit_changes(before: dict[str, ApiKey], after: dict[str, ApiKey]) -> None:
    """Tell of keys that are new and of those that are revoked: by whichever command or process."""
    for key in after.values():
        known = before.get(key.id)
        if known is None:
            audit(Event.KEY_TAKEN, **_fields(key))
        if key.revoked_at is not None and (known is None or known.revoked_at is None):
            audit(Event.KEY_ENDED, **_fields(key))


def _fields(key: ApiKey) -> dict[str, str]:
    return {"owner": key.owner, "key": key.id, "key_name": key.name}
