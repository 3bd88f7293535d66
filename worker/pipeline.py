"""From a job to its stored outputs: the whole way on one screen."""

from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from shared.cards.card import ModelCard
from shared.errors import InvalidRequest
from shared.identifiers import file_id, sha256
from shared.images.probe import ends_too_early
from shared.jobs.job import Job, StoredOutput
from shared.specs.parts import Output, output_in
from shared.specs.spec import JobSpec
from shared.storage.base import ObjectStore, output_key
from worker.codec.animation import Frame, encode_animation
from worker.codec.decode import InputFile, input_file
from worker.codec.encode import EncodedImage, encode
from worker.codec.pixels import enlarge, to_color
from worker.execution.attempt import Attempt, Stages
from worker.execution.resources import Film, Resources, ResultPicture
from worker.kinds import generation, stylization, transformation
from worker.models.loading import Model

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


def process(attempt: Attempt, model: Model, resources: Resources, stage: Stages) -> Made:
    """Turn a job's inputs into stored outputs; return what goes into the record."""
    job = attempt.job
    kind = KINDS[job.spec.type]
    with stage("load"):
        spec, inputs, is_truncated = _load(job, resources.objects)
    with stage("preprocess"):
        request = kind.prepare(spec, inputs, model.card, resources)
    with stage("predict"):
        pictures = kind.predict(request, model, resources, stage)
    del inputs, request  # a large content is not needed any more, and its result is about to be copied
    with stage("encode"):
        images = []
        for picture in pictures:
            images.append(_encode(picture, job.spec.output, model))
            stage.advance(len(images), len(pictures))
    with stage("store"):
        outputs = _store_all(job, images, [picture.seed for picture in pictures], resources)
    return Made(outputs, ("truncated",) if is_truncated else ())


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
        is_truncated = is_truncated or ends_too_early(data)
        ids[name] = file_id(sha256(data)) if output_in(name) else name
        files[ids[name]] = input_file(objects, key, data)
    return job.spec.with_files(ids), files, is_truncated


def _encode(picture: ResultPicture | Film, output: Output, model: Model) -> EncodedImage:
    if isinstance(picture, Film):
        return _encode_film(picture, output)
    pixels = enlarge(picture.pixels, picture.upscale.factor, picture.upscale.filter)
    if output.format == "gif":
        return _encode_film(Film((Frame(to_color(pixels), picture.alpha, 0),)), output)
    # Nothing here may differ between two runs of the same spec: the bytes are promised to be the same.
    text = {"atelier:model": f"{model.card.name}@{model.card.version}", **picture.text}
    return encode(pixels, format=output.format, quality=output.quality, alpha=picture.alpha, text=text)


def _encode_film(film: Film, output: Output) -> EncodedImage:
    if output.format not in ("gif", "webp"):
        text = f"an animation is written as gif or webp, not as {output.format}"
        raise InvalidRequest.of_field("/output/format", text)
    return encode_animation(film.frames, format=output.format, quality=output.quality, loop=film.loop)


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
