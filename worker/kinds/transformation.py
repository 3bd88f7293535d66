"""Transformation jobs: a picture through a network from picture to picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shared.cards.card import ModelCard
from shared.specs.transform import TransformSpec
from shared.specs.working_size import check_enlarged, result_size, working_size
from worker.codec.decode import InputFile, decode
from worker.codec.pixels import fill_hidden, resize, resize_with_alpha
from worker.execution.attempt import Stages
from worker.execution.resources import Pixels, Resources, ResultPicture
from worker.kinds.styles import on_runner

if TYPE_CHECKING:
    from worker.models.image_to_image import PictureNetwork


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCall:
    """A transformation, decoded and ready for its model."""

    content: Pixels  # (h, w, 3), at the size that the network gets
    alpha: Pixels | None  # (h, w)
    profile: bytes | None  # of the colors; None: they are sRGB


def prepare(
    spec: TransformSpec, inputs: Mapping[str, InputFile], card: ModelCard, resources: Resources
) -> PreparedCall:
    """Decode the content and bring it to its size. Raises the image errors, naming the field."""
    enough, keeps = partial(result_size, spec), spec.output.profile == "keep"
    decoded = decode(
        inputs[spec.content], resources.limits, field="/content", enough=enough, keeps_profile=keeps
    )
    width, height = working_size(spec, card, decoded.size)
    check_enlarged(spec, card, (width, height), resources.limits)
    rgb, alpha = resize_with_alpha(decoded.rgb, decoded.alpha, width, height)
    return PreparedCall(fill_hidden(rgb, alpha), alpha, decoded.profile)


def predict(
    prepared: PreparedCall, model: PictureNetwork, resources: Resources, stages: Stages
) -> list[ResultPicture]:
    """Run the network on the color; alpha only follows the size."""
    run = partial(on_runner, resources, stages.attempt, model)
    made = model.apply(prepared.content, stages.advance, run)
    alpha = prepared.alpha
    if alpha is not None:
        alpha = resize(alpha, made.shape[1], made.shape[0])
    return [ResultPicture(made, alpha, profile=prepared.profile)]
