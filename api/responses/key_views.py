"""What API keys look like, as JSON and in the OpenAPI document."""

from typing import Any, Literal

from pydantic import Field

from shared.access.key import ApiKey, Scope
from shared.jobs.views import Time, View, rfc3339


class KeyView(View):
    """What is known of an API key."""

    id: str = Field(description="The part of its text that is no secret.")
    object: Literal["key"]
    name: str
    owner: str = Field(description="Whose jobs, files and styles it sees and makes.")
    scopes: list[Scope] = Field(description="What it allows; `admin` allows everything.")
    bootstrap: bool = Field(description="Whether it came from the bootstrap key file.")
    created_at: Time
    expires_at: Time | None = Field(description="Null where it is valid until it is revoked.")
    revoked_at: Time | None = Field(description="Null while it is not revoked.")
    used_at: Time | None = Field(description="The last use, to the minute; null before the first.")


class NewKeyView(KeyView):
    """A key that was just created."""

    key: str = Field(description="Its text, which is shown this once: `Authorization: Bearer <key>`.")


class KeyPage(View):
    """Some keys, newest first."""

    object: Literal["list"]
    data: list[KeyView]
    next_cursor: str | None = Field(description="Hand it back as `cursor`; null on the last page.")


class IdentityView(View):
    """In whose name a request is made."""

    object: Literal["identity"]
    owner: str = Field(description="Whose jobs, files and styles it sees and makes.")
    key: KeyView | None = Field(description="Null where requests need no key, or a proxy names the user.")
    scopes: list[Scope] = Field(description="What it may do.")


def key_view(key: ApiKey) -> KeyView:
    """Return the key's representation."""
    return KeyView.model_validate(_values(key))


def new_key_view(key: ApiKey, text: str) -> NewKeyView:
    """Return the representation of a new key, with its text."""
    return NewKeyView.model_validate({**_values(key), "key": text})


def _values(key: ApiKey) -> dict[str, Any]:
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at", "used_at")}
    return {
        "id": key.id,
        "object": "key",
        "name": key.name,
        "owner": key.owner,
        "scopes": [scope for scope in Scope if scope in key.scopes],
        "bootstrap": key.from_file,
        **{name: None if value is None else rfc3339(value) for name, value in times.items()},
    }
