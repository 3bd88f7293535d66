"""The largest pictures that are accepted: the memory that a worker takes for each, of every kind.

A real installation gets a picture of 64 megapixels as style, as mask, as content of a small result and of a
result as large, painted at the default stroke, and as styles of five jobs at once. The worker's peak is read
after each.

Usage: python -m bench.models.largest_inputs [--kinds jpeg png ...] [--uses style mask ...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image, ImageCms

from atelier.local.stack import RunningStack
from bench.measuring import Goal, Table
from bench.photos import photo
from bench.processes import peak_mebibytes, resident_mebibytes

SIDE = 8000
AT_ONCE = 5
GOAL = Goal(1536)  # MiB
WAIT_SECONDS = 60
WITH_MASK = "content, own size, mask, colors"
MOST_AS_BOTH = 16_000_000  # bytes of a file that is sent as content and as mask


def _picture(mode: str) -> Image.Image:
    """Return a smooth picture: what it shows does not change what it costs."""
    ramp = np.linspace(0, 255, SIDE).astype(np.uint8)
    plane = Image.fromarray(np.broadcast_to(ramp, (SIDE, SIDE)))
    if mode == "P":
        return plane.convert("P")
    if mode == "I;16":
        return Image.fromarray(np.broadcast_to(ramp.astype(np.uint16) * 257, (SIDE, SIDE)))
    count = len(mode)
    return Image.merge(mode, [plane, plane.transpose(Image.Transpose.TRANSPOSE), plane, plane][:count])


def _full_webp() -> bytes:
    """Return a file of nearly the 32 MiB that are accepted; the noise makes it so large."""
    pixels = np.array(_picture("RGBA"))
    noise = np.random.default_rng(0)
    pixels[:5400, :, 2] ^= noise.integers(0, 4, (5400, SIDE), dtype=np.uint8)
    pixels[:, : SIDE // 2, 0] ^= noise.integers(0, 2, (SIDE, SIDE // 2), dtype=np.uint8) * 3
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "webp", lossless=True, quality=0, method=0)
    return buffer.getvalue()


def _profile() -> bytes:
    """Return sRGB with red and green exchanged: it must be applied."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def _file(mode: str, format: str, **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        buffer = BytesIO()
        _picture(mode).save(buffer, format, **options)
        return buffer.getvalue()

    return make


KINDS: dict[str, Callable[[], bytes]] = {
    "jpeg": _file("RGB", "jpeg", quality=80, exif=_turned()),
    "progressive jpeg": _file("RGB", "jpeg", quality=80, subsampling=0, progressive=True),
    "progressive cmyk jpeg": _file("CMYK", "jpeg", quality=80, progressive=True),
    "png": _file("RGB", "png", compress_level=1),
    "png, alpha and profile": _file("RGBA", "png", compress_level=1, icc_profile=_profile()),
    "grey 16-bit png": _file("I;16", "png", compress_level=1),
    "gif": _file("P", "gif"),
    "webp": _file("RGB", "webp", quality=70, method=0),
    "lossless webp, alpha": _file("RGBA", "webp", lossless=True, quality=0, method=0),
    "full lossless webp, alpha": _full_webp,
    "tiff, turned": _file("RGB", "tiff", compression="tiff_adobe_deflate", exif=_turned()),
    "cmyk tiff": _file("CMYK", "tiff", compression="tiff_adobe_deflate"),
}
USES: dict[str, dict[str, str]] = {
    "style": {},
    "mask": {},
    "content, small result": {"max_side": "1024"},
    "content, own size": {"format": "jpeg"},
    WITH_MASK: {"format": "png", "strength": "0.5", "preserve_color": "true"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--uses", nargs="*", choices=list(USES), default=list(USES))
    arguments = parser.parse_args()
    table = Table(f"The worker's peak with pictures of {SIDE} x {SIDE}")
    with tempfile.TemporaryDirectory() as folder, RunningStack(Path(folder)) as stack:
        for kind in arguments.kinds:
            picture = KINDS[kind]()
            for use in arguments.uses:
                if use == WITH_MASK and len(picture) > MOST_AS_BOTH:
                    continue  # such a request would be above the limit of a body
                _measure(table, stack, f"{kind} as {use}", use, picture, 1)
            if "style" in arguments.uses:
                _measure(table, stack, f"{AT_ONCE} x {kind} as style at once", "style", picture, AT_ONCE)
    table.print()


def _measure(table: Table, stack: RunningStack, label: str, use: str, picture: bytes, jobs: int) -> None:
    worker = stack.pid_of("worker")
    Path(f"/proc/{worker}/clear_refs").write_text("5")  # resets the peak
    began, before = time.perf_counter(), resident_mebibytes(worker)
    sent = [_submit(stack.url, use, picture + bytes([number])) for number in range(jobs)]
    for job in sent:
        _wait(stack.url, job)
    peak = peak_mebibytes(worker)
    print(f"{label}: {before:.0f} to {peak:.0f} MiB, {time.perf_counter() - began:.1f} s", flush=True)
    table.add(label, peak, "MiB", GOAL)


def _submit(url: str, use: str, picture: bytes) -> str:
    small = photo(0, 384)
    files = {"content": small, "style": small}
    role = use.partition(",")[0]
    files[role] = picture
    if "mask" in use:
        files["mask"] = picture
    response = httpx.post(f"{url}/v1/jobs/stylize", files=files, data=USES[use], timeout=WAIT_SECONDS)
    if response.is_error:
        raise RuntimeError(f"{use}: {response.text}")
    return str(response.json()["id"])


def _wait(url: str, job_id: str) -> None:
    job: dict[str, Any] = {"done": False}
    while not job["done"]:
        path = f"{url}/v1/jobs/{job_id}?wait={WAIT_SECONDS}"
        response = httpx.get(path, timeout=2 * WAIT_SECONDS)
        job = response.raise_for_status().json()
    if job["status"] != "succeeded":
        raise RuntimeError(f"the job {job_id} {job['status']}: {job['error']}")


if __name__ == "__main__":
    main()
