"""What a client may ask for: the job specifications, a union discriminated by `type`, and their defaults."""

import secrets
from typing import Annotated

from pydantic import Field, TypeAdapter

from shared.cards.card import Catalog, ModelCard
from shared.errors import InvalidRequest
from shared.specs.generate import GenerateSpec
from shared.specs.parts import MAX_OUTPUT_COUNT, MAX_SEED, Optimization
from shared.specs.ranges import range_faults
from shared.specs.result_size import count_of
from shared.specs.stylize import StylizeSpec, TransformSpec
from shared.specs.working_size import stroke_of

__all__ = [
    "JOB_SPEC",
    "MAX_OUTPUT_COUNT",
    "MAX_SEED",
    "GenerateSpec",
    "JobSpec",
    "StylizeSpec",
    "TransformSpec",
    "check_ranges",
    "filled",
    "inputs_of",
    "resolve",
]

JobSpec = GenerateSpec | StylizeSpec | TransformSpec
JOB_SPEC: TypeAdapter[JobSpec] = TypeAdapter(Annotated[JobSpec, Field(discriminator="type")])


def inputs_of(spec: JobSpec) -> list[str]:
    """Return the ids of all files that a job reads, each once, in order."""
    return [] if isinstance(spec, GenerateSpec) else list(dict.fromkeys(spec.inputs))


def resolve(spec: JobSpec, catalog: Catalog) -> JobSpec:
    """Fill in model, defaults and seeds, so that the same resolved spec gives the same bytes.

    Raises UnknownModel, or InvalidRequest that names every value outside its card's range.
    """
    card = card_of(spec, catalog)
    check_ranges(spec, card)
    return filled(spec, card)


def filled(spec: JobSpec, card: ModelCard) -> JobSpec:
    """Return a specification that its card allows with model, defaults and seeds filled in."""
    if isinstance(spec, GenerateSpec):
        return _resolve_generation(spec, card)
    if isinstance(spec, StylizeSpec):
        return _resolve_stylization(spec, card)
    return spec.model_copy(update={"model": card.name})


def card_of(spec: JobSpec, catalog: Catalog) -> ModelCard:
    """Return the card of a job's model; raise UnknownModel."""
    return catalog.default(spec.type) if spec.model is None else catalog.get(spec.model, spec.type)


def check_ranges(spec: JobSpec, card: ModelCard) -> None:
    """Raise InvalidRequest that names every value outside the range its model's card gives."""
    errors = range_faults(spec, card)
    if errors:
        raise InvalidRequest("; ".join(error.detail for error in errors), errors=errors)


def _resolve_generation(spec: GenerateSpec, card: ModelCard) -> GenerateSpec:
    update: dict[str, object] = {"model": card.name}
    if not spec.draws_nothing:
        update["truncation"] = _value(spec.truncation, card, "truncation")
    if spec.latents is None and spec.interpolate is None:
        update |= {"seeds": spec.seeds or _seeds(spec, card), "seed": None, "count": None}
    return spec.model_copy(update=update)


def _resolve_stylization(spec: StylizeSpec, card: ModelCard) -> StylizeSpec:
    update = {
        "model": card.name,
        "strength": _value(spec.strength, card, "strength"),
        "stroke": stroke_of(spec, card),
    }
    if card.optimizes:
        update["optimize"] = spec.optimize or Optimization()
    return spec.model_copy(update=update)


def _value(given: float | None, card: ModelCard, name: str) -> object:
    limits = card.parameters.get(name)
    return given if given is not None or limits is None else limits.default


def _seeds(spec: GenerateSpec, card: ModelCard) -> list[int]:
    count = count_of(spec, card)
    first = spec.seed if spec.seed is not None else secrets.randbelow(MAX_SEED - count)
    return list(range(first, first + count))


Spec = JobSpec


SPECS: dict[str, type[Spec]] = {"generate": GenerateSpec, "stylize": StylizeSpec, "transform": TransformSpec}
