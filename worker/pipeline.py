"""From a job to its stored outputs: the whole way on one screen."""

from typing import Any

from shared.identifiers import sha256
from shared.jobs import Job, StoredOutput
from shared.object_keys import output_key
from worker import generation, stylization
from worker.attempts import Attempt
from worker.codec.animation import encode_animation
from worker.codec.encode import EncodedImage, encode
from worker.pictures import Film, Picture
from worker.stages import Stages
from worker.tools import Tools

KINDS: dict[str, Any] = {"generate": generation, "stylize": stylization}  # each has prepare and predict


def process(attempt: Attempt, model: Any, tools: Tools, stage: Stages) -> tuple[StoredOutput, ...]:
    """Turn a job's inputs into stored outputs; return what the record will say of them."""
    job = attempt.job
    kind = KINDS[job.spec.type]
    with stage("load"):
        inputs = {name: tools.objects.get(key) for name, key in job.inputs.items()}
    with stage("preprocess"):
        request = kind.prepare(job.spec, inputs, model.card, tools)
    with stage("predict"):
        pictures = kind.predict(request, model, tools, stage)
    with stage("encode"):
        images = [_encode(picture, job, model) for picture in pictures]
    with stage("store"):
        pairs = enumerate(zip(images, pictures, strict=True))
        return tuple(_store(job, index, image, picture.seed, tools) for index, (image, picture) in pairs)


def _encode(picture: Picture | Film, job: Job, model: Any) -> EncodedImage:
    output = job.spec.output
    if isinstance(picture, Film):
        assert output.format in ("gif", "webp"), "a specification of an animation names one of these"
        return encode_animation(
            picture.frames, format=output.format, quality=output.quality, loop=picture.loop
        )
    assert output.format != "gif", "a specification of still pictures names another format"
    # Nothing here may differ between two runs of the same spec: the bytes are promised to be the same.
    text = {"atelier:model": f"{model.card.name}@{model.card.version}", **picture.text}
    return encode(
        picture.pixels, format=output.format, quality=output.quality, alpha=picture.alpha, text=text
    )


def _store(job: Job, index: int, image: EncodedImage, seed: int | None, tools: Tools) -> StoredOutput:
    key = output_key(job.id, job.attempt, index, job.spec.output.format)
    tools.objects.put(key, image.data)
    return StoredOutput(
        key=key,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        bytes=len(image.data),
        sha256=sha256(image.data),
        seed=seed,
    )
