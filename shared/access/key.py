"""An API key: its text, which the store never holds, and its record."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.network_settings import API_KEY, API_KEY_FORM

NAME = r"[a-z0-9][a-z0-9_-]{0,63}"  # of a key, and of an owner: it becomes part of other names


class Scope(StrEnum):
    """What a key allows."""

    SUBMIT = "submit"  # create, change and delete
    READ = "read"  # read and fetch
    ADMIN = "admin"  # everything: keys, models and secrets too
    METRICS = "metrics"  # figures for monitoring


DEFAULT_SCOPES = frozenset({Scope.SUBMIT, Scope.READ})


@dataclass(frozen=True, slots=True, repr=False)
class KeyText:
    """A key as its user has it."""

    id: str
    secret: str

    @classmethod
    def new(cls) -> "KeyText":
        """Draw a new key; its secret has 256 random bits, so that a plain hash cannot be searched."""
        return cls(secrets.token_hex(8), secrets.token_hex(32))

    @classmethod
    def read(cls, text: str) -> "KeyText":
        """Read a key; raise ValueError that does not repeat it."""
        found = re.fullmatch(API_KEY, text)
        if found is None:
            raise ValueError(f"an API key has the form {API_KEY_FORM}")
        return cls(*found.groups())

    def __str__(self) -> str:
        return f"atl_{self.id}_{self.secret}"

    @property
    def digest(self) -> str:
        """What the store keeps of the secret."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The record of a key. Times are milliseconds since the epoch by the server's clock."""

    id: str
    name: str
    owner: str
    scopes: frozenset[Scope]
    digest: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    used_at: int | None = None  # to the minute
    from_file: bool = False  # whether it came from the bootstrap key file

    def allows(self, scope: Scope) -> bool:
        """Whether the key has a scope; an admin's has all."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def fault(self, now: float) -> str:
        """Return why the key is not taken at a time, or ""."""
        if self.revoked_at is not None:
            return "the API key is revoked"
        if self.expires_at is not None and now >= self.expires_at:
            return "the API key has expired"
        return ""


def key_from_record(raw: Mapping[str, str]) -> ApiKey:
    """Build an ApiKey from the fields of its Redis hash."""
    times = {name: int(raw[name]) for name in ("expires_at", "revoked_at", "used_at") if name in raw}
    return ApiKey(
        id=raw["id"],
        name=raw["name"],
        owner=raw["owner"],
        scopes=frozenset(map(Scope, raw["scopes"].split())),
        digest=raw["digest"],
        created_at=int(raw["created_at"]),
        from_file=raw.get("from_file") == "1",
        **times,
    )


def scopes_to_text(scopes: frozenset[Scope]) -> str:
    """Return scopes as a record has them, in their own order."""
    return " ".join(scope for scope in Scope if scope in scopes)
