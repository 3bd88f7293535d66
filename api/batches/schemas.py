"""The shapes of batch requests and responses for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.responses.job_views import Parts
from shared.batches.request import BatchSettings, CustomId, Multiply
from shared.batches.views import BatchView, FinishedPage, ResultView
from shared.jobs.views import View
from shared.places.request import Source
from shared.specs.generate import GenerateSpec
from shared.specs.parts import PictureName, WeightedStyle
from shared.specs.stylize import StylizeSpec
from shared.specs.transform import TransformSpec

_LISTS = "Needed where there is no `source`."


class BatchPart(BatchView, Parts):
    """The fields of a batch that were asked for."""


class BatchPage(View):
    """Some batches, newest first."""

    object: Literal["list"]
    data: list[BatchView | BatchPart] = Field(description="With `fields`, these of each batch alone.")
    next_cursor: str | None = Field(description="Hand it back as `cursor`; null on the last page.")


class Appended(View):
    """Items that a batch has taken."""

    object: Literal["batch.items"]
    batch_id: str
    first: int = Field(description="Index of the first of them.")
    count: int
    total: int = Field(description="Items of the batch now; the index of the next one.")


class Retried(View):
    """Items of a batch that go again."""

    object: Literal["batch.retry"]
    batch_id: str
    count: int


class PlaceView(View):
    """A place that batches may name."""

    object: Literal["place"]
    name: str
    read: bool = Field(description="Whether a `source` may name it.")
    write: bool = Field(description="Whether a `destination` may name it.")


class PlaceList(View):
    """The places that batches may name, by name."""

    object: Literal["list"]
    data: list[PlaceView]


class GenerateItem(GenerateSpec):
    """A generation job of a batch."""

    custom_id: CustomId | None = None


class StylizeItem(StylizeSpec):
    """A stylization job of a batch."""

    custom_id: CustomId | None = None


class TransformItem(TransformSpec):
    """A transformation job of a batch."""

    custom_id: CustomId | None = None


class GenerateTemplate(GenerateSpec):
    """A generation job, and lists of values for some of its fields."""

    multiply: Multiply


class StylizeTemplate(StylizeSpec):
    """A stylization job, and lists of values for some of its fields."""

    content: PictureName | None = None  # type: ignore[assignment]
    styles: list[WeightedStyle] | None = None  # type: ignore[assignment]
    multiply: Multiply | None = Field(default=None, description=_LISTS)


class TransformTemplate(TransformSpec):
    """A transformation job, and lists of values for some of its fields."""

    content: PictureName | None = None  # type: ignore[assignment]
    multiply: Multiply | None = Field(default=None, description=_LISTS)


BatchItem = Annotated[GenerateItem | StylizeItem | TransformItem, Field(discriminator="type")]
Template = Annotated[GenerateTemplate | StylizeTemplate | TransformTemplate, Field(discriminator="type")]


class BatchRequest(BatchSettings):
    """Many jobs at once: either `items`, or a `template`, with a `source` or without; or `open: true`."""

    open: bool = Field(default=False, description="Takes more items until it is finalized.")
    items: list[BatchItem] | None = None
    source: Source | None = Field(
        default=None,
        description="Pictures of a place of the operator's, in the place of a template's `content`: the "
        "template, with `multiply` or without, is what is made of each.",
    )
    template: Template | None = None


class ItemsRequest(View):
    """Items for an open batch."""

    items: list[BatchItem] = Field(min_length=1)


MODELS: tuple[type[BaseModel], ...] = (
    BatchView, BatchPage, BatchRequest, ItemsRequest, Appended, Retried, ResultView, FinishedPage,
    PlaceView, PlaceList,
)  # fmt: skip
