"""What every piece of a specification is."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A piece of a specification: frozen, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
