"""What a generation job may ask for."""

from typing import Literal

from pydantic import Field, model_validator

from shared.specs.parts import (
    MAX_OUTPUT_COUNT,
    MAX_SEED,
    Animation,
    Common,
    Grid,
    Interpolation,
    LatentVector,
    Seed,
    Upscale,
)

DIGITS = r"^[0-9]{1,64}$"


class GenerateSpec(Common):
    """Pictures from a generator: from `seeds`, `count` seeds from `seed`, `latents`, or `interpolate`."""

    type: Literal["generate"]
    seed: Seed | None = Field(
        default=None, description="The first seed. Without it, the service draws one when it accepts the job."
    )
    count: int | None = Field(default=None, ge=1, le=MAX_OUTPUT_COUNT, strict=True)
    seeds: list[Seed] | None = Field(default=None, min_length=1, max_length=MAX_OUTPUT_COUNT)
    latents: list[LatentVector] | None = Field(default=None, min_length=1, max_length=MAX_OUTPUT_COUNT)
    interpolate: Interpolation | None = None
    digit: int | None = Field(
        default=None,
        ge=0,
        le=MAX_SEED,
        strict=True,
        description="The class, which is the digit; null draws it from the seed.",
    )
    digits: str | None = Field(
        default=None,
        pattern=DIGITS,
        description="Digits to write out: each seed gives one picture of all of them, in one hand.",
    )
    truncation: float | None = Field(
        default=None,
        gt=0,
        description="The scale of the random numbers drawn from seeds; below 1 there is less variety.",
    )
    grid: Grid | None = None
    animation: Animation | None = None
    upscale: Upscale = Upscale()

    @model_validator(mode="after")
    def _one_way_to_name_latents(self) -> "GenerateSpec":
        if self.seeds is not None and (self.seed is not None or self.count is not None):
            raise ValueError("give either `seeds`, or `seed` and `count`")
        by_seed = any(value is not None for value in (self.seed, self.count, self.seeds))
        if by_seed + (self.latents is not None) + (self.interpolate is not None) > 1:
            raise ValueError("give only one of `seeds`, `latents` and `interpolate`")
        if self.seed is not None and self.seed + (self.count or 1) - 1 > MAX_SEED:
            raise ValueError(f"seed and count are too large: the last seed would be above {MAX_SEED}")
        return self

    @model_validator(mode="after")
    def _classes_are_named_once(self) -> "GenerateSpec":
        if (self.digit is not None) + (self.digits is not None) + self.draws_nothing > 1:
            raise ValueError(
                "give only one of `digit`, `digits` and `latents`: each of them says which digit is made"
            )
        return self

    @model_validator(mode="after")
    def _one_way_to_lay_out(self) -> "GenerateSpec":
        if self.grid is not None and self.animation is not None:
            raise ValueError("give either `grid` or `animation`, not both")
        if self.animation is not None and self.output.format not in ("gif", "webp"):
            raise ValueError("an animation needs the `output.format` gif or webp")
        if self.animation is None and self.output.format == "gif":
            raise ValueError("the `output.format` gif is for animations: give `animation` too")
        return self

    @property
    def draws_nothing(self) -> bool:
        """Whether the client gives every latent itself, so that nothing comes from seeds."""
        walk = self.interpolate
        return self.latents is not None or (walk is not None and walk.latents is not None)

    @property
    def pictures(self) -> int | None:
        """How many pictures come out of the model; None while the default count is not filled in."""
        if self.interpolate is not None:
            return self.interpolate.frames
        named = self.seeds if self.seeds is not None else self.latents
        return self.count if named is None else len(named)
