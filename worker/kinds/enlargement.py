"""What `output.enlarge` does to the finished pictures of a job of any kind, before they are encoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from worker.codec.animation import Frame
from worker.codec.pixels import luminance, resize, to_color
from worker.execution.attempt import Stages
from worker.execution.resources import Film, Pixels, Resources, ResultPicture
from worker.kinds.styles import on_runner

if TYPE_CHECKING:
    from worker.models.image_to_image import PictureNetwork

Enlarge = Callable[[Pixels], Pixels]


def enlarged(
    pictures: Sequence[ResultPicture | Film], model: PictureNetwork, resources: Resources, stages: Stages
) -> list[ResultPicture | Film]:
    """Return the pictures and films enlarged; alpha only follows the size."""
    total = sum(len(each.frames) if isinstance(each, Film) else 1 for each in pictures)
    run, done = partial(on_runner, resources, stages.attempt, model), 0

    def enlarge(pixels: Pixels) -> Pixels:
        nonlocal done
        before, done = done, done + 1
        color = model.apply(to_color(pixels), lambda step, steps: advance(before, step, steps), run)
        return luminance(color)[..., None] if pixels.shape[2] == 1 else color

    def advance(before: int, step: int, steps: int) -> None:
        stages.advance(before * steps + step, total * steps)

    return [_film(each, enlarge) if isinstance(each, Film) else _picture(each, enlarge) for each in pictures]


def _picture(picture: ResultPicture, enlarge: Enlarge) -> ResultPicture:
    pixels = enlarge(picture.pixels)
    return replace(picture, pixels=pixels, alpha=_alpha(picture.alpha, pixels))


def _film(film: Film, enlarge: Enlarge) -> Film:
    return replace(film, frames=tuple(_frame(frame, enlarge) for frame in film.frames))


def _frame(frame: Frame, enlarge: Enlarge) -> Frame:
    pixels = enlarge(frame.rgb)
    return replace(frame, rgb=pixels, alpha=_alpha(frame.alpha, pixels))


def _alpha(alpha: Pixels | None, pixels: Pixels) -> Pixels | None:
    return None if alpha is None else resize(alpha, pixels.shape[1], pixels.shape[0])
