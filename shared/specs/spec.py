"""The specifications of all kinds of jobs, known by their `type`: how they are read and resolved."""

import math
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field, TypeAdapter

from shared.cards.card import Catalog, ModelCard
from shared.cards.parts import name_of
from shared.errors import CardUnusable, InvalidRequest, UnknownModel
from shared.specs.base import ENLARGED, WRITTEN, JobSpec
from shared.specs.generate import GenerateSpec
from shared.specs.parts import MAX_OUTPUT_COUNT, MAX_SEED, PictureSize
from shared.specs.stylize import StylizeSpec
from shared.specs.transform import TransformSpec

__all__ = ["MAX_OUTPUT_COUNT", "MAX_SEED", "GenerateSpec", "JobSpec", "StylizeSpec", "TransformSpec"]

# The specification of each kind of job, by the name that is its `type`.
SPECS: dict[str, type[JobSpec]] = {
    "generate": GenerateSpec,
    "stylize": StylizeSpec,
    "transform": TransformSpec,
}
if TYPE_CHECKING:
    AnyJobSpec = JobSpec
else:
    AnyJobSpec = Union[tuple(SPECS.values())]  # noqa: UP007  (of all kinds: as a model's field needs it)

_STEPS_AN_OCTAVE = 2  # kinds of work differ by a factor of 1.4


class _SpecReader:
    """Reads the specification of any kind in SPECS."""

    def validate_python(self, raw: object) -> JobSpec:
        """Return the specification that a JSON value holds; raise ValidationError."""
        return _union(tuple(SPECS.values())).validate_python(raw)

    def validate_json(self, text: str | bytes) -> JobSpec:
        """Return the specification that JSON text holds; raise ValidationError."""
        return _union(tuple(SPECS.values())).validate_json(text)


JOB_SPEC = _SpecReader()


@cache
def _union(specs: tuple[type[JobSpec], ...]) -> TypeAdapter[JobSpec]:
    union: Any = Annotated[Union[specs], Field(discriminator="type")]  # noqa: UP007  (not known before)
    return TypeAdapter(union)


def resolve(spec: JobSpec, catalog: Catalog) -> JobSpec:
    """Fill in model, defaults and seeds, so that the same resolved spec gives the same bytes.

    Raises what `checked_card` raises.
    """
    return spec.filled(checked_card(spec, catalog))


def card_of(spec: JobSpec, catalog: Catalog) -> ModelCard:
    """Return the card of a job's model; raise UnknownModel."""
    return catalog.default(spec.type) if spec.model is None else catalog.get(spec.model, spec.type)


def checked_card(spec: JobSpec, catalog: Catalog) -> ModelCard:
    """Return the card of a job's model, which allows the job.

    Raises UnknownModel, or InvalidRequest that names every value outside its card's range.
    """
    card = card_of(spec, catalog)
    errors = list(spec.range_faults(card))
    if errors:
        raise InvalidRequest("; ".join(error.detail for error in errors), errors=errors)
    return card


def cards_of(spec: JobSpec, card: ModelCard, catalog: Catalog) -> dict[str, ModelCard]:
    """Return the cards of all models that a job needs, by the pointer of the field that asks for each.

    `card` is that of its own model. Raises UnknownModel and CardUnusable, naming the field.
    """
    further = spec.further_models.items()
    return {"/model": card, **{pointer: _further(catalog, name, pointer) for pointer, name in further}}


def _further(catalog: Catalog, name: str, pointer: str) -> ModelCard:
    try:
        return catalog.get(name, "transform")
    except (UnknownModel, CardUnusable) as error:
        raise type(error).of_field(pointer, error.detail) from error


def work_of(spec: JobSpec, card: ModelCard, content: PictureSize | None = None) -> str:
    """Return the kind of a resolved job's work: its model's reference and how large it is, in half octaves.

    The names of further models come after the first, each with a plus. `content` is the size of its
    content picture. Where that is not known, neither is the size of the work.
    """
    units = spec.work_units(card, content)
    if units and spec.output.enlarge:
        finished = spec.made(card, content)[1]
        units += finished * (ENLARGED + WRITTEN * spec.output.factor**2)
    models = "+".join(dict.fromkeys((card.reference, *spec.further_models.values())))
    return f"{models}:{round(_STEPS_AN_OCTAVE * math.log2(units)) if units else ''}"


def parted(work: str) -> tuple[str, int | None]:
    """Return the model of a kind of work by reference, and its size in half octaves; None where not known."""
    models, _, size = work.partition(":")
    return models.partition("+")[0], int(size) if size else None


def limited_model(work: str) -> str:
    """Return the name of the model of a kind of work, for which limits hold, whatever its version."""
    return name_of(parted(work)[0])


def units_of(size: int) -> float:
    """Return how many pixels the network makes in work of a size in half octaves, or what costs as much."""
    return float(2 ** (size / _STEPS_AN_OCTAVE))
