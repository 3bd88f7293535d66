"""Generation jobs: seeds to latents to pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shared.cards import ModelCard
from shared.specs import GenerateSpec
from worker.batcher import Request
from worker.codec.pixels import contact_sheet
from worker.latents import latent
from worker.pictures import Picture, Pixels
from worker.stages import Stages
from worker.tools import Tools

if TYPE_CHECKING:  # importing it starts TensorFlow
    from worker.models.generator import Generator

Latents = npt.NDArray[np.float32]  # (n, latent size)


def prepare(spec: GenerateSpec, _: Mapping[str, bytes], card: ModelCard, __: Tools) -> Latents:
    """Return one latent a seed. Each comes from its own seed alone, so company changes nothing."""
    assert card.latent is not None, "a generator's card has a latent"
    assert spec.seeds is not None, "a resolved spec names its seeds"
    truncation = 1.0 if spec.truncation is None else spec.truncation
    return np.stack([latent(card.latent, seed, spec.digit, truncation) for seed in spec.seeds])


def predict(latents: Latents, model: Generator, tools: Tools, stages: Stages) -> list[Picture]:
    """Run the generator, together with other jobs that wait for it."""
    attempt = stages.attempt
    pixels: Pixels = tools.batcher.call(
        Request(
            bucket=(model.card.name, model.digest, "generate"),
            payload=latents,
            run=lambda payloads: _run_together(model, payloads),
            weight=len(latents),
            limit=model.card.max_batch,
            alone=attempt.job.crashes > 0,
            wanted=lambda: attempt.is_current,
        )
    )
    return _finish(pixels, attempt.job.spec)  # type: ignore[arg-type]


def _run_together(model: Generator, payloads: Sequence[Latents]) -> list[Pixels]:
    pictures = model.generate(np.concatenate(payloads))
    ends = np.cumsum([len(payload) for payload in payloads])[:-1]
    return np.split(pictures, ends)


def _finish(pixels: Pixels, spec: GenerateSpec) -> list[Picture]:
    seeds = spec.seeds or []
    if spec.grid is None:
        return [
            Picture(item, seed=seed, text={"atelier:seed": str(seed)})
            for item, seed in zip(pixels, seeds, strict=True)
        ]
    sheet = contact_sheet(list(pixels), spec.grid.columns, gap=spec.grid.gap, background=0)
    return [Picture(sheet, text={"atelier:seeds": ",".join(map(str, seeds))})]
