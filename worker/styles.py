"""The styles of a job, ready for its model: looked at once, and remembered."""

from collections.abc import Mapping
from typing import Any

from shared.spec_parts import WeightedStyle
from worker.attempts import Attempt
from worker.batcher import Request
from worker.codec.decode import decode
from worker.codec.pixels import to_float
from worker.models.stylizer import Style, Stylizer
from worker.tools import Tools


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

    def make() -> Style:
        rgb = decode(files[name], tools.limits, field=f"/styles/{index}/image").rgb
        style: Style = on_runner(tools, attempt, model, lambda: model.prepare_style(to_float(rgb)))
        return style

    made: Style = tools.styles.get((model.digest, name), make)
    return made


def on_runner(tools: Tools, attempt: Attempt, model: Any, step: Any) -> Any:
    """Run one step on a runner thread. Stylization gains nothing from batches on a CPU: each runs alone."""
    request = Request(
        bucket=(model.card.name, model.digest),
        payload=None,
        run=lambda _: [step()],
        alone=True,
        wanted=lambda: attempt.is_current,
    )
    return tools.batcher.call(request)
