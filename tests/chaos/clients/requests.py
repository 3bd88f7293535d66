"""What the clients ask for: requests drawn from a seed, each of which a calm run carries out once."""

import io
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image, PngImagePlugin

from shared.identifiers import file_id, sha256
from tests.chaos.light_model import NAME as LIGHT
from tests.chaos.light_model import STYLIZER
from tests.chaos.marks import DWELL, KEY_OF_MARK, LATENT_SIZE, POISON
from tests.support.images import pictures

LONGEST_DWELL = 3.0  # seconds


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One request."""

    name: str
    body: Mapping[str, Any]
    pictures: Mapping[str, bytes] = field(default_factory=dict)  # by file id
    is_poison: bool = False
    seconds: float = 0.0  # for which it stays in its worker beyond its work
    parent: "JobRequest | None" = None  # whose first picture is the content

    def asked(self, parent_id: str) -> dict[str, Any]:
        """Return the body of the request, where the job of its parent has this id; "" where it has none."""
        return {**self.body, **({"content": {"job": parent_id}} if parent_id else {})}

    @property
    def is_light(self) -> bool:
        """Whether the stand-in model carries it out."""
        return self.body.get("model") == LIGHT


@dataclass(frozen=True, slots=True)
class Pool:
    """All requests of a run, by kind."""

    light: tuple[JobRequest, ...]
    dwelling: tuple[JobRequest, ...]  # light ones that hold their slot for a while
    digits: tuple[JobRequest, ...]
    stylized: tuple[JobRequest, ...]
    poison: tuple[JobRequest, ...]
    chained: tuple[JobRequest, ...] = ()  # each paints what another one makes

    @property
    def harmless(self) -> tuple[JobRequest, ...]:
        """Those that have a result."""
        parents = (request.parent for request in self.chained if request.parent)
        return (*self.light, *self.dwelling, *self.digits, *self.stylized, *parents, *self.chained)


def draw_pool(draw: random.Random) -> Pool:
    """Draw the requests of a run."""
    return Pool(
        light=tuple(_light(draw, number) for number in range(40)),
        dwelling=tuple(_dwelling(draw, number) for number in range(16)),
        digits=tuple(_digits(draw, number) for number in range(12)),
        stylized=tuple(_stylized(draw, number) for number in range(8)),
        poison=(_poison_at_predict(draw), _poison_at_decode()),
        chained=tuple(_chained(draw, number) for number in range(6)),
    )


def _latent(draw: random.Random, *end: float) -> list[float]:
    normals = [round(draw.gauss(0, 1), 4) for _ in range(LATENT_SIZE - len(end))]
    return [*normals, *end]


def _generate(name: str, latents: list[list[float]], **more: Any) -> JobRequest:
    return JobRequest(name, {"type": "generate", "model": LIGHT, "latents": latents}, **more)


def _light(draw: random.Random, number: int) -> JobRequest:
    return _generate(f"light-{number}", [_latent(draw) for _ in range(draw.choice((1, 1, 1, 3)))])


def _dwelling(draw: random.Random, number: int) -> JobRequest:
    seconds = round(draw.uniform(0.3, LONGEST_DWELL), 2)
    return _generate(f"dwelling-{number}", [_latent(draw, DWELL, seconds)], seconds=seconds)


def _digits(draw: random.Random, number: int) -> JobRequest:
    seeds = [draw.randrange(2**40) for _ in range(draw.choice((1, 2, 4)))]
    return JobRequest(f"digits-{number}", {"type": "generate", "seeds": seeds})


def _stylized(draw: random.Random, number: int) -> JobRequest:
    content = pictures.photo(draw.randrange(48, 140), draw.randrange(48, 140))
    style = pictures.png(64 + 8 * draw.randrange(4), 64)
    strength = draw.choice((1.0, 0.6))
    return _stylize(f"stylized-{number}", content, style, {"strength": strength})


def _chained(draw: random.Random, number: int) -> JobRequest:
    seconds = round(draw.uniform(0.1, LONGEST_DWELL), 2)
    parent = _generate(f"drawn-{number}", [_latent(draw, DWELL, seconds)], seconds=seconds)
    parent = replace(parent, body={**parent.body, "upscale": {"factor": 8}})
    painted = _stylize(f"chained-{number}", b"", pictures.png(64 + 8 * draw.randrange(4), 64), {})
    files = {name: data for name, data in painted.pictures.items() if data}
    return replace(painted, pictures=files, parent=parent)


def _stylize(name: str, content: bytes, style: bytes, more: Mapping[str, Any]) -> JobRequest:
    files = {file_id(sha256(data)): data for data in (content, style)}
    content_id, style_id = file_id(sha256(content)), file_id(sha256(style))
    body = {
        "type": "stylize",
        "model": STYLIZER,
        "content": content_id,
        "styles": [{"image": style_id}],
        **more,
    }
    return JobRequest(name, body, files)


def _poison_at_predict(draw: random.Random) -> JobRequest:
    return _generate("poison-predict", [_latent(draw, POISON, 0.0)], is_poison=True)


def _poison_at_decode() -> JobRequest:
    note = PngImagePlugin.PngInfo()
    note.add_text(KEY_OF_MARK, "ends the process that decodes this")
    buffer = io.BytesIO()
    Image.fromarray(pictures.gradient(60, 40)).save(buffer, "png", pnginfo=note)
    request = _stylize("poison-decode", buffer.getvalue(), pictures.png(64, 64), {})
    return JobRequest(request.name, request.body, request.pictures, is_poison=True)
