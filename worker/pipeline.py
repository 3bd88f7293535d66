"""From a job to its stored outputs: the whole way on one screen."""

from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from shared.cards.card import ModelCard
from shared.errors import InvalidRequest
from shared.identifiers import file_id, sha256
from shared.images.probe import ends_too_early
from shared.images.recipe import RECIPE
from shared.jobs.job import Job, StoredOutput
from shared.specs.base import ENLARGE
from shared.specs.parts import Precision, output_in
from shared.specs.recipe import recipe_text
from shared.specs.spec import JobSpec
from shared.specs.stylize import UPSAMPLE
from shared.storage.base import ObjectStore, damaged, output_key
from worker.codec.animation import Frame, encode_animation
from worker.codec.carried import Carried, carried_from
from worker.codec.decode import InputFile, bytes_of, input_file
from worker.codec.encode import EncodedImage, encode
from worker.codec.metadata import mark
from worker.codec.pixels import enlarge, to_color
from worker.execution.attempt import Attempt, Stages
from worker.execution.resources import Film, Resources, ResultPicture
from worker.kinds import generation, stylization, transformation
from worker.kinds.enlargement import enlarged
from worker.kinds.upsampling import NOT_UPSAMPLED, upsampled
from worker.models.loading import Model

if TYPE_CHECKING:
    from worker.models.image_to_image import PictureNetwork

Spec = TypeVar("Spec", contravariant=True)
Prepared = TypeVar("Prepared")
Network = TypeVar("Network", contravariant=True)


class Kind(Protocol[Spec, Prepared, Network]):
    """A kind of job: a module with these two functions. Both raise the errors that end an attempt."""

    def prepare(
        self, spec: Spec, inputs: Mapping[str, InputFile], card: ModelCard, resources: Resources, /
    ) -> Prepared:
        """Decode what the model needs; `inputs` are the job's files by their ids."""

    def predict(
        self, prepared: Prepared, model: Network, resources: Resources, stages: Stages, /
    ) -> Sequence[ResultPicture | Film]:
        """Run the model; return pictures and films in the order of the outputs."""


# Each kind works with its own specification and network, which are those of the same name everywhere.
KINDS: dict[str, Kind[Any, Any, Any]] = {
    "generate": generation,
    "stylize": stylization,
    "transform": transformation,
}


@dataclass(frozen=True, slots=True)
class Made:
    """What goes into the record of a job that succeeded."""

    outputs: tuple[StoredOutput, ...]
    warnings: tuple[str, ...]
    precision: Precision


def process(
    attempt: Attempt,
    model: Model,
    resources: Resources,
    stage: Stages,
    further: Mapping[str, Model] = MappingProxyType({}),
) -> Made:
    """Turn a job's inputs into stored outputs; return what goes into the record.

    `further` are the models that it needs beside its own, by the pointer of the field that asks for each.
    """
    job = attempt.job
    kind = KINDS[job.spec.type]
    with stage("load"):
        spec, inputs, is_truncated = _load(job, resources.objects)
    with stage("preprocess"):
        request = kind.prepare(spec, inputs, model.card, resources)
    with stage("predict"):
        pictures = kind.predict(request, model, resources, stage)
    beside = _beside(spec, inputs, resources)
    if UPSAMPLE in further:
        with stage("upsample"):
            network = cast("PictureNetwork", further[UPSAMPLE])
            pictures = upsampled(request, pictures, network, resources, stage)
    del inputs, request  # a large content is not needed any more, and its result is about to be copied
    if ENLARGE in further:
        with stage("enlarge"):
            pictures = enlarged(pictures, cast("PictureNetwork", further[ENLARGE]), resources, stage)
    text = _text(model, further, stage.warnings)
    with stage("encode"):
        images, recipes = [], _recipes(spec.made_with(stage.precision), pictures, model)
        for picture, recipe in zip(pictures, recipes, strict=True):
            images.append(_encode(picture, spec, text, beside.with_recipe(recipe)))
            stage.advance(len(images), len(pictures))
    with stage("store"):
        outputs = _store_all(job, images, [picture.seed for picture in pictures], resources)
    defects = {"truncated": is_truncated, "recipe_too_large": None in recipes}
    warnings = (*(code for code, is_so in defects.items() if is_so), *stage.warnings)
    return Made(outputs, warnings, stage.precision)


def _recipes(spec: JobSpec, pictures: Sequence[ResultPicture | Film], model: Model) -> list[str | None]:
    """Return the recipe of each picture; "" where none is asked for, None for one that is too large."""
    if not spec.output.writes_recipe:
        return [""] * len(pictures)
    alone = (spec.of_picture(index, picture.seed) for index, picture in enumerate(pictures))
    return [recipe_text(part, model.card.version) for part in alone]


def _load(job: Job, objects: ObjectStore) -> tuple[JobSpec, dict[str, InputFile], bool]:
    """Return the specification with files alone, these by their ids, and whether one ends too early.

    An output of another job becomes the file that its bytes would be as an upload: what is known of a style
    is known of its bytes. Whether a file ends too early is read from the files, and not by their decoder: a
    known style is not decoded again.
    """
    ids: dict[str, str] = {}
    files, is_truncated = {}, False
    for name, key in job.inputs.items():
        data = objects.get(key)
        digest = file_id(sha256(data))
        if digest != name and not output_in(name):
            raise damaged(key)
        is_truncated = is_truncated or ends_too_early(data)
        ids[name] = digest
        files[ids[name]] = input_file(objects, key, data)
    return job.spec.with_files(ids), files, is_truncated


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is written into all pictures of a job, or into one of them, beside its pixels."""

    mark: Mapping[str, str]
    carried: Carried
    recipe: Mapping[str, str] = field(default_factory=dict)

    def with_recipe(self, recipe: str | None) -> "_Beside":
        return replace(self, recipe={RECIPE: recipe}) if recipe else self


def _beside(spec: JobSpec, inputs: Mapping[str, InputFile], resources: Resources) -> _Beside:
    content: str | None = getattr(spec, "content", None)
    marks = mark(is_generated=content is None) if resources.marks else {}
    if content is None or spec.output.metadata == "none":
        return _Beside(marks, Carried())
    return _Beside(marks, carried_from(bytes_of(inputs[content]), spec.output.metadata))


def _text(model: Model, further: Mapping[str, Model], warnings: Sequence[str]) -> dict[str, str]:
    """Return what is written into every PNG file.

    Nothing here may differ between two runs of the same spec: the bytes are promised to be the same.
    """
    named = {"atelier:model": model}
    if UPSAMPLE in further and NOT_UPSAMPLED not in warnings:
        named["atelier:upsampler"] = further[UPSAMPLE]
    if ENLARGE in further:
        named["atelier:enlarger"] = further[ENLARGE]
    return {key: f"{each.card.name}@{each.card.version}" for key, each in named.items()}


def _encode(
    picture: ResultPicture | Film, spec: JobSpec, text: Mapping[str, str], beside: _Beside
) -> EncodedImage:
    output, written = spec.output, {**beside.mark, **beside.recipe}
    if isinstance(picture, Film):
        return _encode_film(picture, spec, beside)
    pixels = enlarge(picture.pixels, picture.upscale.factor, picture.upscale.filter)
    if output.format == "gif":
        return _encode_film(Film((Frame(to_color(pixels), picture.alpha, 0),)), spec, beside)
    given: dict[str, Any] = {"format": output.format, "quality": output.quality, "alpha": picture.alpha}
    given |= {"profile": picture.profile, "carried": beside.carried}
    if output.format != "png":
        return encode(pixels, properties=written, **given)
    text = {**text, **picture.text, **beside.recipe}  # a fifth of the bytes of XMP: digits are small
    return encode(pixels, text=text, properties=beside.mark, **given)


def _encode_film(film: Film, spec: JobSpec, beside: _Beside) -> EncodedImage:
    output, properties = spec.output, {**beside.carried.properties, **beside.mark, **beside.recipe}
    if output.format not in ("gif", "webp"):
        text = f"an animation is written as gif or webp, not as {output.format}"
        raise InvalidRequest.of_field("/output/format", text)
    given: dict[str, Any] = {"format": output.format, "quality": output.quality, "loop": film.loop}
    return encode_animation(film.frames, properties=properties, **given)


def _store_all(
    job: Job, images: Sequence[EncodedImage], seeds: Sequence[int | None], resources: Resources
) -> tuple[StoredOutput, ...]:
    """Store outputs, several at once; when this ends, well or badly, none is still being written."""
    if len(images) == 1:
        return (_store(job, 0, images[0], seeds[0], resources),)
    pairs = enumerate(zip(images, seeds, strict=True))
    futures = [
        resources.stores.submit(_store, job, index, image, seed, resources) for index, (image, seed) in pairs
    ]
    wait(futures)
    return tuple(future.result() for future in futures)


def _store(job: Job, index: int, image: EncodedImage, seed: int | None, resources: Resources) -> StoredOutput:
    key = output_key(job.id, job.attempt, index, job.spec.output.format)
    resources.objects.put(key, image.data)
    return StoredOutput(
        key=key,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        bytes=len(image.data),
        sha256=sha256(image.data),
        seed=seed,
    )
