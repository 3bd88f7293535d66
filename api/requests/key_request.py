"""A request for an API key."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.access.key import DEFAULT_SCOPES, NAME, Scope

MOST_SECONDS = 10 * 365 * 24 * 3600
Name = Annotated[str, Field(pattern=f"^{NAME}$")]


class KeyRequest(BaseModel):
    """A key that is to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="What people call it: lower case, digits, `-` and `_`.")
    owner: Name | None = Field(
        default=None, description="Whose jobs it sees and makes; without it, an owner of the key's own name."
    )
    scopes: list[Scope] = Field(
        default=sorted(DEFAULT_SCOPES), min_length=1, max_length=len(Scope), description="What it allows."
    )
    expires_seconds: Annotated[int, Field(strict=True, ge=1, le=MOST_SECONDS)] | None = Field(
        default=None, description="How long it is valid; without it, until it is revoked."
    )
