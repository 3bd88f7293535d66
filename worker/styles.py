"""The styles of a job, ready for its model: looked at once, and remembered."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from shared.spec_parts import WeightedStyle
from worker.attempts import Attempt
from worker.batcher import Request
from worker.codec.decode import decode
from worker.codec.pixels import to_float
from worker.models.stylizer import Style, Stylizer
from worker.tools import Tools

_STORED = "<f4"  # of a vector's numbers, on any machine


def blended_style(
    styles: list[WeightedStyle], files: Mapping[str, bytes], model: Stylizer, tools: Tools, attempt: Attempt
) -> Style:
    """Return the one style that stands for all of a job's, by weight."""
    pairs = [(_style(i, style, files, model, tools, attempt), style.weight) for i, style in enumerate(styles)]
    return model.blend(pairs)


def _style(
    index: int,
    wanted: WeightedStyle,
    files: Mapping[str, bytes],
    model: Stylizer,
    tools: Tools,
    attempt: Attempt,
) -> Style:
    if wanted.number is not None:
        return model.prepare_builtin(wanted.number)
    name = wanted.image
    assert name is not None, "names of stored styles become images when the job is accepted"

    def look() -> Style:
        rgb = decode(files[name], tools.limits, field=f"/styles/{index}/image").rgb
        style: Style = on_runner(tools, attempt, model, lambda: model.prepare_style(to_float(rgb)))
        return style

    made: Style = tools.styles.get((model.digest, name), lambda: _recalled(model, name, tools, look))
    return made


def _recalled(model: Stylizer, name: str, tools: Tools, look: Callable[[], Style]) -> Style:
    """Return what any worker saw in this picture before, else look at it, for all to know."""
    if tools.vectors is None or not model.has_vectors:
        return look()
    known = tools.vectors.get(model.digest, name)
    if known is not None:
        return Style(np.frombuffer(known, _STORED).astype(np.float32), None)
    style = look()
    if style.vector is not None:
        tools.vectors.put(model.digest, name, style.vector.astype(_STORED).tobytes())
    return style


def on_runner(tools: Tools, attempt: Attempt, model: Any, step: Any) -> Any:
    """Run one step on a runner thread. Stylization gains nothing from batches on a CPU: each runs alone."""
    request = Request(
        bucket=(model.card.name, model.digest),
        payload=None,
        run=lambda _: [step()],
        alone=True,
        urgent=attempt.is_urgent,
        wanted=lambda: attempt.is_current,
    )
    return tools.batcher.call(request)
