"""The ways that a picture goes at strength 0: through the decoder alone, and through a real installation."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from atelier.local.stack import RunningStack
from shared.cards.card import load_catalog
from shared.errors import AtelierError
from shared.identifiers import file_id, sha256
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.specs.spec import JOB_SPEC, resolve
from tests.corpus.case import REFUSALS, Case, Pixels
from tests.corpus.reference import difference, expected
from worker.codec.encode import encode
from worker.execution.batcher import Batcher
from worker.execution.resources import Resources, StyleCache
from worker.kinds import stylization

MOST = 0.5  # levels of mean difference
WAIT_SECONDS = 60
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """How one picture came out."""

    case: Case
    difference: float = 0.0  # levels
    fault: str = ""
    refusal: str = ""  # a key of REFUSALS, where that is right

    @property
    def is_good(self) -> bool:
        """Whether the picture has its size and its colors."""
        return not self.fault and self.difference <= MOST


def by_decoder(cases: Sequence[Case]) -> Iterator[Finding]:
    """Send pictures through the probe and the worker's stages, without a server."""
    resources = Resources(None, Batcher(1), StyleCache(), ImageLimits(max_frames=48))  # type: ignore[arg-type]
    catalog = load_catalog()
    for case in cases:
        data = case.make()
        try:
            yield _judged(case, data, _stylized(data, resources, catalog))
        except AtelierError as error:
            yield _refused(case, error.code, error.detail)


def _refused(case: Case, code: str, detail: str) -> Finding:
    if case.family == "installed" and code in REFUSALS:
        return Finding(case, refusal=code)
    return Finding(case, fault=f"{code}: {detail}")


def _stylized(data: bytes, resources: Resources, catalog: Any) -> Pixels:
    info = probe(data, resources.limits)
    name = file_id(sha256(data))
    raw = {"type": "stylize", "content": name, "styles": [{"image": name}], "strength": 0}
    spec = resolve(JOB_SPEC.validate_python(raw), catalog)
    prepared = stylization.prepare(spec, {name: data}, catalog.get(spec.model), resources)
    (picture,) = stylization.predict(prepared, None, resources, None)  # type: ignore[arg-type]
    file = encode(picture.pixels, format="png", quality=90, alpha=picture.alpha)
    assert (file.width, file.height) == (info.width, info.height), "the probe told another size"
    return _opened(file.data)


def _opened(data: bytes) -> Pixels:
    return np.asarray(Image.open(BytesIO(data)).convert("RGBA"))


def _judged(case: Case, data: bytes, result: Pixels) -> Finding:
    wanted = expected(case, data)
    if result.shape != wanted.shape:
        sizes = [f"{pixels.shape[1]} x {pixels.shape[0]}" for pixels in (result, wanted)]
        return Finding(case, fault=f"it is {sizes[0]} and not {sizes[1]}")
    return Finding(case, difference(result, wanted))


def by_service(cases: Sequence[Case], folder: Path) -> Iterator[Finding]:
    """Send pictures through the API and a worker of a fresh installation."""
    with (
        RunningStack(folder) as stack,
        httpx.Client(base_url=stack.url, timeout=2 * WAIT_SECONDS) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        yield from pool.map(lambda case: _sent(case, client), cases)


def _sent(case: Case, client: httpx.Client) -> Finding:
    data = case.make()
    form = {"strength": "0", "format": "png"}
    answer = client.post("/v1/jobs/stylize", data=form, files={"content": data, "style": data})
    if answer.is_error:
        problem = answer.json()["errors"][0]
        return _refused(case, problem["code"], problem["detail"])
    job = answer.json()
    while not job["done"]:
        job = client.get(f"/v1/jobs/{job['id']}", params={"wait": WAIT_SECONDS}).raise_for_status().json()
    if job["status"] != "succeeded":
        return Finding(case, fault=f"{job['status']}: {job['error']}")
    return _judged(case, data, _opened(client.get(job["outputs"][0]["url"]).raise_for_status().content))
