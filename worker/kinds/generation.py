"""Generation jobs: a plan of latents, drawn in chunks, laid out as pictures, one sheet or one film."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shared.cards.card import ModelCard
from shared.specs.spec import GenerateSpec
from worker.codec.animation import Frame
from worker.codec.decode import InputFile
from worker.codec.pixels import contact_sheet, enlarge, to_color
from worker.execution.attempt import Stages
from worker.execution.batcher import Request
from worker.execution.resources import Film, Pixels, Resources, ResultPicture
from worker.execution.smaller import or_smaller
from worker.kinds.latent_plan import Plan, make_plan, text_of_all

if TYPE_CHECKING:  # importing it starts TensorFlow
    from worker.models.generation.generator import Generator

Latents = npt.NDArray[np.float32]  # (n, latent size)
Draw = Callable[[Latents], Pixels]  # latents to as many pictures

CHUNK = 64  # latents in one call; more would make other jobs wait too long
_BATCHES = 4  # network calls in a chunk, where the network takes few at once


def prepare(spec: GenerateSpec, _: Mapping[str, InputFile], card: ModelCard, __: Resources) -> Plan:
    """Work out the latents. No picture takes random numbers from another one."""
    assert card.latent is not None, "a generator's card has a latent"
    return make_plan(spec, card.latent)


def predict(
    plan: Plan, model: Generator, resources: Resources, stages: Stages
) -> list[ResultPicture] | list[Film]:
    """Draw a plan, together with other jobs that wait for the generator, and lay it out."""
    latents = plan.latents.reshape(-1, plan.latents.shape[-1])
    chunks = []
    for chunk in _chunks(latents, model.card.max_batch):
        chunks.append(_draw(chunk, model, resources, stages))
        stages.advance(sum(map(len, chunks)), len(latents))
    return _lay_out(_side_by_side(np.concatenate(chunks), len(plan.labels)), plan)


def _chunks(latents: Latents, max_batch: int) -> Iterator[Latents]:
    size = max(max_batch, min(CHUNK, _BATCHES * max_batch))
    return (latents[start : start + size] for start in range(0, len(latents), size))


def _draw(latents: Latents, model: Generator, resources: Resources, stages: Stages) -> Pixels:
    attempt = stages.attempt

    def call(form: str, draw: Callable[[], Draw], *, alone: bool) -> Pixels:
        request: Request[Latents, Pixels] = Request(
            bucket=(model.card.name, model.digest, form),
            model=model.card.name,
            payload=latents,
            run=lambda payloads: _run_together(draw(), payloads),
            weight=len(latents),
            limit=model.card.max_batch,
            alone=alone,
            urgent=attempt.is_urgent,
            wanted=lambda: attempt.is_current,
        )
        return resources.batcher.call(request, attempt.slot)

    return or_smaller(
        lambda: call("generate", lambda: model.generate, alone=attempt.job.crashes > 0),
        lambda: call("smaller", lambda: model.generate_smaller, alone=True),
        resources,
        stages,
    )


def _run_together(draw: Draw, payloads: Sequence[Latents]) -> list[Pixels]:
    pictures = draw(np.concatenate(payloads))
    ends = np.cumsum([len(payload) for payload in payloads])[:-1]
    return np.split(pictures, ends)


def _side_by_side(pixels: Pixels, pictures: int) -> Pixels:
    """Join what belongs to one picture: (pictures * k, h, w, c) becomes (pictures, h, k * w, c)."""
    _, height, width, channels = pixels.shape
    rows = pixels.reshape(pictures, -1, height, width, channels).swapaxes(1, 2)
    return rows.reshape(pictures, height, -1, channels)


def _lay_out(pixels: Pixels, plan: Plan) -> list[ResultPicture] | list[Film]:
    spec = plan.spec
    if spec.grid is not None:
        cells = [enlarge(item, spec.upscale.factor, spec.upscale.filter) for item in pixels]
        sheet = contact_sheet(cells, spec.grid.columns, gap=spec.grid.gap, background=0)
        return [ResultPicture(sheet, text=text_of_all(spec))]
    if spec.animation is not None:
        return [_film(pixels, spec, spec.animation.frame_milliseconds, spec.animation.loop)]
    pairs = zip(pixels, plan.labels, strict=True)
    return [ResultPicture(item, None, label.seed, label.text, spec.upscale) for item, label in pairs]


def _film(pixels: Pixels, spec: GenerateSpec, milliseconds: int, loop: bool) -> Film:
    large = (enlarge(item, spec.upscale.factor, spec.upscale.filter) for item in pixels)
    return Film(tuple(Frame(to_color(item), None, milliseconds) for item in large), loop)
