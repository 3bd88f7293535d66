"""Which latents a generation job calls for, and what each picture is called. Needs NumPy alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.cards.parts import Latent
from shared.specs.parts import Interpolation
from shared.specs.spec import GenerateSpec
from worker.models.generation.latents import digit_of, latent, walk

Latents = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Label:
    """What the record and the file keep of a picture: enough to ask for it again."""

    seed: int | None = None
    text: dict[str, str] = field(default_factory=dict)  # goes into PNG files


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The pictures of a job before they are drawn."""

    spec: GenerateSpec
    latents: Latents  # (pictures, side by side in one picture, size)
    labels: tuple[Label, ...]  # one a picture


def make_plan(spec: GenerateSpec, shape: Latent) -> Plan:
    """Return the latents that a resolved spec asks for. Each seed's come from that seed alone."""
    vectors = _written_out(_vectors(spec, shape), spec.digits, shape)
    return Plan(spec, vectors, tuple(_labels(spec, shape)))


def _vectors(spec: GenerateSpec, shape: Latent) -> Latents:
    way = spec.interpolate
    if way is not None:
        points = _points(way.seeds, way.latents, spec, shape)
        return walk(points, shape.normals, way.steps)
    return _points(spec.seeds, spec.latents, spec, shape)


def _points(
    seeds: list[int] | None, latents: list[list[float]] | None, spec: GenerateSpec, shape: Latent
) -> Latents:
    if latents is not None:
        return np.array(latents, np.float32)
    assert seeds is not None, "a resolved spec names its seeds"
    truncation = 1.0 if spec.truncation is None else spec.truncation
    return np.stack([latent(shape, seed, spec.digit, truncation) for seed in seeds])


def _written_out(vectors: Latents, digits: str | None, shape: Latent) -> Latents:
    """Repeat each vector for every digit of a sequence, with that digit as its class: one hand writes all."""
    if digits is None:
        return vectors[:, None]
    repeated = np.repeat(vectors[:, None], len(digits), axis=1)
    repeated[..., shape.normals :] = np.eye(shape.classes, dtype=np.float32)[[int(digit) for digit in digits]]
    return repeated


def _labels(spec: GenerateSpec, shape: Latent) -> Iterator[Label]:
    way = spec.interpolate
    if way is not None:
        yield from _labels_of_walk(way, spec, shape)
    elif spec.latents is not None:
        yield from [Label()] * len(spec.latents)
    else:
        yield from (_label_of_seed(seed, spec, shape) for seed in spec.seeds or ())


def _label_of_seed(seed: int, spec: GenerateSpec, shape: Latent) -> Label:
    return Label(seed, {"atelier:seed": str(seed), **_written(spec, digit_of(shape, seed))})


def _written(spec: GenerateSpec, drawn: int | None) -> dict[str, str]:
    """Return text on what the pictures show, and how freely they were drawn."""
    text = {}
    if spec.digits is not None:
        text["atelier:digits"] = spec.digits
    elif spec.digit is not None or drawn is not None:
        text["atelier:digit"] = str(drawn if spec.digit is None else spec.digit)
    if spec.truncation not in (None, 1.0):
        text["atelier:truncation"] = f"{spec.truncation:g}"
    return text


def _labels_of_walk(way: Interpolation, spec: GenerateSpec, shape: Latent) -> Iterator[Label]:
    """A point carries what its own picture would: it is the same file."""
    if way.seeds is None:
        yield from [Label()] * way.frames
        return
    stretch = way.steps - 1
    for number in range(way.frames):
        point, step = divmod(number, stretch)
        if step:
            ends = f"{way.seeds[point]},{way.seeds[point + 1]}"
            place = {"atelier:between": ends, "atelier:step": f"{step}/{stretch}"}
            yield Label(None, {**place, **_written(spec, None)})
        else:
            yield _label_of_seed(way.seeds[point], spec, shape)


def text_of_all(spec: GenerateSpec) -> dict[str, str]:
    """Return the text of one file that holds all pictures of a job."""
    seeds = spec.seeds if spec.interpolate is None else spec.interpolate.seeds
    text = {} if seeds is None else {"atelier:seeds": ",".join(map(str, seeds))}
    if spec.interpolate is not None:
        text["atelier:steps"] = str(spec.interpolate.steps)
    return {**text, **_written(spec, None)}
