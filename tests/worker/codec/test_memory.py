"""What decoding takes of memory, in bytes a pixel: measured in a process of its own."""

import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shared.images.limits import ImageLimits
from tests.support.images.pictures import gradient, save
from tests.support.waiting import eventually
from worker.codec import decode as decoding

SIDE = 3600
LARGE_SIDE = 4100  # pictures of this size take turns
OPTIONS: dict[str, dict[str, Any]] = {
    "webp": {"method": 0},
    "lossless webp": {"method": 0, "lossless": True, "quality": 0},
    "png": {"compress_level": 1},
    "tiff": {"compression": "tiff_lzw"},
}
CHILD = """
import sys
from pathlib import Path
from shared.images.probe import ImageLimits
from tests.support.images.pictures import png
from worker.codec.decode import decode
from worker.memory import give_back, take_pictures_whole

def kibibytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])

side, data = int(sys.argv[2]), Path(sys.argv[1]).read_bytes()
enough = (lambda _: (256, 256)) if sys.argv[3] == "style" else None
take_pictures_whole()
decode(png(), ImageLimits())
give_back()
Path("/proc/self/clear_refs").write_text("5")
before = kibibytes("VmRSS")
decoded = decode(data, ImageLimits(), enough=enough)
print((kibibytes("VmHWM") - before) * 1024 / side**2)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("image_format", "mode", "use", "most"),
    [
        ("jpeg", "RGB", "style", 2),
        ("jpeg", "RGB", "content", 9),
        ("png", "RGB", "style", 6),
        ("png", "RGBA", "content", 10.5),
        ("webp", "RGB", "style", 6),
        ("webp", "RGBA", "content", 10.5),
        ("lossless webp", "RGBA", "style", 6),
        ("gif", "P", "content", 6),
        ("tiff", "RGB", "content", 10.5),
    ],
)
def test_no_copy_more_than_needed_is_made_of_a_large_picture(tmp_path, image_format, mode, use, most):
    image = Image.fromarray(gradient(SIDE, SIDE))
    if mode == "RGBA":
        image.putalpha(Image.fromarray(gradient(SIDE, SIDE)[:, :, 0]))
    image = image.quantize(16) if mode == "P" else image
    path = tmp_path / "picture"
    path.write_bytes(save(image, image_format.split()[-1], **OPTIONS.get(image_format, {})))
    command = [sys.executable, "-c", CHILD, str(path), str(SIDE), use]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) <= most


def test_a_large_picture_that_waits_for_its_turn_holds_no_bytes_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(save(Image.new("L", (LARGE_SIDE, LARGE_SIDE)), "png", compress_level=0))
    reads: list[int] = []

    def read() -> bytes:
        reads.append(len(reads))
        return path.read_bytes()

    waiting = threading.Thread(target=decoding.decode, args=(read, ImageLimits()))
    with decoding._large_picture_lock:
        tracemalloc.start()
        waiting.start()
        eventually(lambda: tracemalloc.get_traced_memory()[1] > LARGE_SIDE**2)  # it was read
        eventually(lambda: tracemalloc.get_traced_memory()[0] < LARGE_SIDE**2 / 10)
        tracemalloc.stop()
    waiting.join()
    assert len(reads) == 2
