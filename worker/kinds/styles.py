"""The styles of a job, ready for its model: looked at once, and remembered."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from shared.images.limits import ImageLimits
from shared.specs.parts import WeightedStyle
from shared.specs.working_size import Size, fit
from worker.codec.decode import Enough, InputFile, decode
from worker.codec.pixels import WHITE, compose, resize, to_float
from worker.execution.attempt import Attempt
from worker.execution.batcher import Request
from worker.execution.resources import Pixels, Resources
from worker.models.loading import Model
from worker.models.stylization.stylizer import PreparedStyle, Stylizer

Result = TypeVar("Result")

MAX_STYLE_SIDE = 2048  # pixels, where a network takes styles of any size

_STORED = "<f4"  # of a vector's numbers, on any machine
_LOOK = 2  # how a picture becomes what a network looks at: counted up, it forgets what older workers saw


def blended_style(
    styles: list[WeightedStyle],
    files: Mapping[str, InputFile],
    model: Stylizer,
    resources: Resources,
    attempt: Attempt,
) -> PreparedStyle:
    """Return the mixture of a job's styles by weight."""
    pairs = [
        (_style(i, style, files, model, resources, attempt), style.weight) for i, style in enumerate(styles)
    ]
    return model.blend(pairs)


def _style(
    index: int,
    wanted: WeightedStyle,
    files: Mapping[str, InputFile],
    model: Stylizer,
    resources: Resources,
    attempt: Attempt,
) -> PreparedStyle:
    if wanted.number is not None:
        return model.prepare_builtin(wanted.number)
    name = wanted.image
    assert name is not None, "names of stored styles become images when the job is accepted"

    def look() -> PreparedStyle:
        rgb = _style_pixels(files[name], resources.limits, index, model.card.style_side)
        return on_runner(resources, attempt, model, lambda: model.prepare_style(to_float(rgb)))

    owned = f"{attempt.job.owner}.{name}"  # or the time that it takes would tell one owner what others use
    made: PreparedStyle = resources.styles.get(
        (model.digest, owned), lambda: _recalled(model, owned, resources, look)
    )
    return made


def _style_pixels(file: InputFile, limits: ImageLimits, index: int, side: int | None) -> Pixels:
    """Return a style picture (h, w, 3) for a network that looks at a square; None: at any size."""
    if side is None:
        return fitted_style(file, limits, index, MAX_STYLE_SIDE)
    return _on_white(file, limits, index, lambda _: (side, side))[0]


def fitted_style(file: InputFile, limits: ImageLimits, index: int, max_side: int) -> Pixels:
    """Return a style picture (h, w, 3) in its shape, no side longer than `max_side` pixels."""
    pixels, size = _on_white(file, limits, index, lambda size: fit(*size, max_side))
    return resize(pixels, *fit(*size, max_side))


def _on_white(file: InputFile, limits: ImageLimits, index: int, enough: Enough) -> tuple[Pixels, Size]:
    """Return a style picture (h, w, 3), reduced to what is enough, and the size that it is stored with."""
    decoded = decode(file, limits, field=f"/styles/{index}/image", enough=enough)
    return compose(decoded.rgb, decoded.alpha, WHITE), decoded.size


def _recalled(
    model: Stylizer, name: str, resources: Resources, look: Callable[[], PreparedStyle]
) -> PreparedStyle:
    """Return what any worker saw in this picture before, else look at it, for all to know."""
    if resources.vectors is None or not model.has_vectors:
        return look()
    network = f"{model.digest}.{resources.numerics().id}.{_LOOK}"
    known = resources.vectors.get(network, name)
    if known is not None:
        return PreparedStyle(np.frombuffer(known, _STORED).astype(np.float32), None)
    style = look()
    if style.vector is not None:
        resources.vectors.put(network, name, style.vector.astype(_STORED).tobytes())
    return style


def on_runner(resources: Resources, attempt: Attempt, model: Model, step: Callable[[], Result]) -> Result:
    """Run one step on a runner thread. It runs alone; photos may run together by `photo_batches`."""
    request: Request[None, Result] = Request(
        bucket=(model.card.name, model.digest),
        payload=None,
        run=lambda _: [step()],
        alone=True,
        urgent=attempt.is_urgent,
        wanted=lambda: attempt.is_current,
    )
    return resources.batcher.call(request)
