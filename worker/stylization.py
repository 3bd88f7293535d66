"""Stylization jobs: content and styles to one repainted picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.cards import ModelCard
from shared.errors import ImageTooLarge, ImageTooSmall
from shared.specs import StylizeSpec
from worker.attempts import Attempt
from worker.batcher import Request
from worker.codec.decode import decode
from worker.codec.pixels import fit, resize, to_float, to_uint8
from worker.models.stylizer import Style, Stylizer
from worker.pictures import Picture, Pixels
from worker.stages import Stages
from worker.tools import Tools

Floats = npt.NDArray[np.float32]  # (h, w, 3) in 0..1


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A stylization, decoded and ready for its model."""

    spec: StylizeSpec
    content: Pixels  # (h, w, 3), at the size of the result
    alpha: Pixels | None  # (h, w)
    style_files: Mapping[str, bytes]  # by file id; decoded only where the style is not known yet


def prepare(spec: StylizeSpec, inputs: Mapping[str, bytes], card: ModelCard, tools: Tools) -> Prepared:
    """Decode the content and bring it to its size. Raises the image errors, naming the field."""
    decoded = decode(inputs[spec.content], tools.limits, field="/content")
    height, width = decoded.rgb.shape[:2]
    if spec.size.max_side is not None:
        width, height = fit(width, height, spec.size.max_side)
    _check_size(width, height, card)
    alpha = None if decoded.alpha is None else resize(decoded.alpha, width, height)
    return Prepared(spec, resize(decoded.rgb, width, height), alpha, inputs)


def _check_size(width: int, height: int, card: ModelCard) -> None:
    if max(width, height) > card.max_side:
        text = f"{width} x {height} pixels; {card.name} takes sides up to {card.max_side}: set size.max_side"
        raise ImageTooLarge.of_field("/content", text)
    if min(width, height) < card.min_side:
        text = f"{width} x {height} pixels; {card.name} needs sides of {card.min_side} or more"
        raise ImageTooSmall.of_field("/content", text)


def predict(prepared: Prepared, model: Stylizer, tools: Tools, stages: Stages) -> list[Picture]:
    """Run the style predictor where a style is new, then the transformer; mix with the photo by strength."""
    spec, attempt = prepared.spec, stages.attempt
    strength = 1.0 if spec.strength is None else spec.strength
    if strength == 0:
        return [Picture(prepared.content, prepared.alpha)]
    styles = [(_style(prepared, i, model, tools, attempt), s.weight) for i, s in enumerate(spec.styles)]
    content = to_float(prepared.content)
    painted = _call(tools, attempt, model, content.shape, lambda: model.stylize(content, model.blend(styles)))
    return [Picture(to_uint8(_mix(content, painted, strength)), prepared.alpha)]


def _mix(content: Floats, painted: Floats, strength: float) -> Floats:
    return painted if strength == 1 else content + (painted - content) * np.float32(strength)


def _style(prepared: Prepared, index: int, model: Stylizer, tools: Tools, attempt: Attempt) -> Style:
    name = prepared.spec.styles[index].image
    assert name is not None, "a style picture; built-in styles have numbers"

    def make() -> Style:
        decoded = decode(prepared.style_files[name], tools.limits, field=f"/styles/{index}/image")
        style: Style = _call(
            tools, attempt, model, ("style",), lambda: model.prepare_style(to_float(decoded.rgb))
        )
        return style

    made: Style = tools.styles.get((model.digest, name), make)
    return made


def _call(tools: Tools, attempt: Attempt, model: Stylizer, shape: tuple[Any, ...], step: Any) -> Any:
    """Run one step on a runner thread. Stylization gains nothing from batches on a CPU: each runs alone."""
    request = Request(
        bucket=(model.card.name, model.digest, *shape),
        payload=None,
        run=lambda _: [step()],
        alone=True,
        wanted=lambda: attempt.is_current,
    )
    return tools.batcher.call(request)
