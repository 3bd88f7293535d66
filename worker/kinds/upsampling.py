"""What `upsample: network` does: a network brings paintings that are smaller than the result to its size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from worker.codec.pixels import to_color
from worker.codec.sized_rows import SizedRows
from worker.execution.attempt import Stages
from worker.execution.resources import Film, Pixels, Resources, ResultPicture
from worker.kinds.styles import on_runner
from worker.kinds.stylization import PreparedContent, finished, result_of

if TYPE_CHECKING:
    from worker.models.image_to_image import PictureNetwork

NOT_UPSAMPLED = "not_upsampled"  # the warning of a job whose paintings had the result's size already


def upsampled(
    prepared: PreparedContent,
    pictures: Sequence[ResultPicture | Film],
    model: PictureNetwork,
    resources: Resources,
    stages: Stages,
) -> Sequence[ResultPicture | Film]:
    """Return the paintings at the result's size, finished; as they are where they have it already."""
    if not prepared.is_upsampled:
        stages.warn(NOT_UPSAMPLED)
        return pictures
    small = [pixels for picture in pictures for pixels in _paintings(picture)]
    run = partial(on_runner, resources, stages.attempt, model)
    done: list[Pixels] = []

    def advance(step: int, steps: int) -> None:
        stages.advance(len(done) * steps + step, len(small) * steps)

    for number, painting in enumerate(small):
        made = SizedRows(len(painting) * model.card.scale, np.empty_like(prepared.frames[number].rgb))
        model.apply_rows(painting, advance, run, partial(_take, made))
        done.append(finished(made.picture, prepared, number, done))
    return [result_of(prepared, done)]


def _take(made: SizedRows, rows: Pixels) -> None:
    made.take(to_color(rows))  # a network of somebody's own may give grey


def _paintings(picture: ResultPicture | Film) -> list[Pixels]:
    return [frame.rgb for frame in picture.frames] if isinstance(picture, Film) else [picture.pixels]
