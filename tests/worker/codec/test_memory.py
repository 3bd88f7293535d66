"""What decoding takes of memory, in bytes a pixel: measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.pictures import gradient, save

SIDE = 3600
CHILD = """
import sys
from pathlib import Path
from shared.image_probe import ImageLimits
from tests.support.pictures import png
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
        ("gif", "P", "content", 6),
        ("tiff", "RGB", "content", 10.5),
    ],
)
def test_no_copy_more_than_needed_is_made_of_a_large_picture(tmp_path, image_format, mode, use, most):
    image = Image.fromarray(gradient(SIDE, SIDE))
    if mode == "RGBA":
        image.putalpha(Image.fromarray(gradient(SIDE, SIDE)[:, :, 0]))
    options = {"webp": {"method": 0}, "png": {"compress_level": 1}, "tiff": {"compression": "tiff_lzw"}}
    image = image.quantize(16) if mode == "P" else image
    path = tmp_path / "picture"
    path.write_bytes(save(image, image_format, **options.get(image_format, {})))
    command = [sys.executable, "-c", CHILD, str(path), str(SIDE), use]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) <= most
