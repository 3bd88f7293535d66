"""Stylization jobs: content and styles to one repainted picture, or to a film where the content is one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from shared.cards.card import ModelCard
from shared.images.limits import ImageLimits
from shared.specs.parts import FAST
from shared.specs.stylize import StylizeSpec
from shared.specs.working_size import Size, check_enlarged, result_size, working_size
from worker.codec.animation import Frame, decode_frames
from worker.codec.decode import InputFile, decode
from worker.codec.pixels import (
    BLACK,
    compose,
    fill_hidden,
    luminance,
    resize,
    resize_with_alpha,
    strips,
    to_float,
    to_uint8,
)
from worker.execution.attempt import Stages
from worker.execution.resources import Film, Pixels, Resources, ResultPicture
from worker.execution.smaller import or_smaller
from worker.kinds.optimization import paint, style_pictures
from worker.kinds.photo_batches import stylized
from worker.kinds.postprocessing import Finish, enlarge, finish, steady
from worker.kinds.styles import blended_style, on_runner
from worker.models.stylization.stylizer import Stylizer

if TYPE_CHECKING:  # importing it starts TensorFlow
    from worker.models.nst.style_optimizer import StyleOptimizer

Stylize = Callable[[int, Pixels], Pixels]  # a frame's number and pixels to its painting


@dataclass(frozen=True, slots=True, eq=False)
class PreparedContent:
    """A stylization, decoded and ready for its model."""

    spec: StylizeSpec
    frames: tuple[Frame, ...]  # at the size of the result; one for a still picture
    working_size: Size  # at which the network paints
    finish: Finish
    style_files: Mapping[str, InputFile]  # by file id; decoded only where the style is not known yet
    profile: bytes | None = None  # of the colors; None: they are sRGB

    @property
    def is_film(self) -> bool:
        """Whether the result is an animated file."""
        return len(self.frames) > 1 or self.spec.output.format == "gif"

    @property
    def is_upsampled(self) -> bool:
        """Whether a network brings the paintings to the result's size, which are smaller."""
        has_size = self.frames[0].rgb.shape[1::-1] == self.working_size
        return self.spec.upsample == "network" and self.finish.strength != 0 and not has_size


def prepare(
    spec: StylizeSpec, inputs: Mapping[str, InputFile], card: ModelCard, resources: Resources
) -> PreparedContent:
    """Decode the content and bring it to its size. Raises the image errors, naming the field."""
    frames, working, profile = _content(spec, inputs[spec.content], card, resources.limits)
    height, width = frames[0].rgb.shape[:2]
    asked = Finish(
        strength=1.0 if spec.strength is None else spec.strength,
        preserve_color=spec.preserve_color,
        mask=None if spec.mask is None else _mask(inputs[spec.mask], width, height, resources.limits),
    )
    return PreparedContent(spec, frames, working, asked, inputs, profile)


def _content(
    spec: StylizeSpec, file: InputFile, card: ModelCard, limits: ImageLimits
) -> tuple[tuple[Frame, ...], Size, bytes | None]:
    """Return the frames at the size of the result, the size of the painting, and a kept profile."""
    profile = None
    if spec.takes_frames:
        frames = decode_frames(file, limits, field="/content")
        content = frames[0].rgb.shape[1], frames[0].rgb.shape[0]
    else:  # of an animation, the first frame
        keeps = spec.output.profile == "keep" and spec.output.format != "gif"
        enough = partial(result_size, spec)
        still = decode(file, limits, field="/content", enough=enough, keeps_profile=keeps)
        profile = still.profile
        frames, content = (Frame(still.rgb, still.alpha, 0),), still.size
    working, size = working_size(spec, card, content), result_size(spec, content)
    check_enlarged(spec, card, size, limits, frames=len(frames))
    return tuple(_resized(frame, *size, is_painted=spec.strength != 0) for frame in frames), working, profile


def _resized(frame: Frame, width: int, height: int, *, is_painted: bool) -> Frame:
    rgb, alpha = resize_with_alpha(frame.rgb, frame.alpha, width, height)
    return Frame(fill_hidden(rgb, alpha) if is_painted else rgb, alpha, frame.milliseconds)


def _mask(file: InputFile, width: int, height: int, limits: ImageLimits) -> Pixels:
    """Return how much of each pixel is painted, (h, w): the mask's brightness on a black ground."""
    decoded = decode(file, limits, field="/mask", enough=lambda _: (width, height))
    brightness = np.empty(decoded.rgb.shape[:2], np.uint8)
    for rows in strips(len(brightness)):
        alpha = None if decoded.alpha is None else decoded.alpha[rows]
        brightness[rows] = luminance(compose(decoded.rgb[rows], alpha, BLACK))
    # Lanczos would ring: paint faintly where the mask is black.
    return np.asarray(Image.fromarray(brightness).resize((width, height), Image.Resampling.BILINEAR))


def predict(
    prepared: PreparedContent, model: "Stylizer | StyleOptimizer", resources: Resources, stages: Stages
) -> list[ResultPicture | Film]:
    """Run the style predictor where a style is new, then the transformer on each frame, and finish.

    Paintings that a network brings to the result's size are returned as they are, for `upsampling`.
    """
    if prepared.finish.strength == 0:
        return [result_of(prepared, [frame.rgb for frame in prepared.frames])]
    if model.card.optimizes:
        stylize = _optimizing(prepared, cast("StyleOptimizer", model), resources, stages)
    else:
        stylize = _stylizing(prepared, cast(Stylizer, model), resources, stages)
    painted: list[Pixels] = []
    for number, frame in enumerate(prepared.frames):
        picture = stylize(number, resize(frame.rgb, *prepared.working_size))
        painted.append(picture if prepared.is_upsampled else _at_size(picture, prepared, number, painted))
        if len(prepared.frames) > 1 and not model.card.optimizes:
            stages.advance(number + 1, len(prepared.frames))
    return [result_of(prepared, painted)]


def _stylizing(prepared: PreparedContent, model: Stylizer, resources: Resources, stages: Stages) -> Stylize:
    """Return the way of a network that paints in one go; its styles are looked at now."""
    style = blended_style(prepared.spec.styles, prepared.style_files, model, resources, stages.attempt)
    on_a_runner = partial(on_runner, resources, stages.attempt, model)
    painter = model.fast if prepared.spec.precision == FAST and model.has_fast else model

    def stylize(number: int, small: Pixels) -> Pixels:
        steps = partial(_advance, stages, number, len(prepared.frames))

        def in_strips(*, smaller: bool) -> Pixels:
            return model.paint_large(small, style, steps, on_a_runner, smaller=smaller)

        def whole() -> Pixels:
            if model.is_large(*small.shape[:2]):
                return in_strips(smaller=False)
            painted = to_uint8(stylized((to_float(small), style), painter, resources, stages.attempt))
            if painter is not model:
                stages.precision = FAST
            return painted

        return or_smaller(whole, lambda: in_strips(smaller=True), resources, stages)

    return stylize


def _advance(stages: Stages, frame: int, frames: int, step: int, total: int) -> None:
    stages.advance(frame * total + step, frames * total)


def _optimizing(
    prepared: PreparedContent, model: "StyleOptimizer", resources: Resources, stages: Stages
) -> Stylize:
    """Return the way of a model that paints step by step; it reports its steps itself."""
    spec, side = prepared.spec, model.card.max_side
    styles = style_pictures(spec.styles, prepared.style_files, resources, max_side=side)
    work = partial(paint, model=model, resources=resources, stages=stages, frames=len(prepared.frames))
    return lambda number, small: to_uint8(work(spec, to_float(small), styles, frame=number))


def _at_size(painted: Pixels, prepared: PreparedContent, number: int, before: list[Pixels]) -> Pixels:
    content = prepared.frames[number].rgb
    if painted.shape != content.shape:
        painted = enlarge(painted, content)
    return finished(painted, prepared, number, before)


def finished(painted: Pixels, prepared: PreparedContent, number: int, before: list[Pixels]) -> Pixels:
    """Return a frame's painting, of the result's size, as the job wants it; `before` are those before it."""
    picture = finish(prepared.frames[number].rgb, painted, prepared.finish, out=painted)
    return _steadied(picture, before, prepared, number)


def _steadied(picture: Pixels, painted: list[Pixels], prepared: PreparedContent, number: int) -> Pixels:
    if not painted or prepared.spec.steadiness == 0:
        return picture
    now, before = (prepared.frames[i].rgb.astype(np.int16) for i in (number, number - 1))
    change = np.abs(now - before).astype(np.uint8)
    return steady(picture, painted[-1], change=change, keep=prepared.spec.steadiness)


def result_of(prepared: PreparedContent, pictures: list[Pixels]) -> ResultPicture | Film:
    """Return the job's picture or film of its frames' pictures."""
    if not prepared.is_film:
        return ResultPicture(pictures[0], prepared.frames[0].alpha, profile=prepared.profile)
    pairs = zip(pictures, prepared.frames, strict=True)
    return Film(tuple(Frame(picture, frame.alpha, frame.milliseconds) for picture, frame in pairs))
