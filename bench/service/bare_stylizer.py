"""The model alone, in a loop in a process of its own: what the service's throughput is compared with.

`python -m bench.service.bare_stylizer MODELS_DIR SIDE THREADS` answers each line `FIRST COUNT` on standard
input with the seconds that stylizing so many photos took, decoded beforehand and thrown away afterwards.
0 threads lets TensorFlow choose.
"""

import subprocess
import sys
from pathlib import Path
from typing import Self

from bench.measuring import timed
from bench.photos import photo, style
from bench.processes import ROOT
from shared.cards.card import load_catalog
from shared.images.limits import ImageLimits
from worker.codec.decode import decode
from worker.codec.pixels import to_float
from worker.models.loading import load_model
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore
from worker.models.stylization.stylizer import Picture, Stylizer


class BareStylizer:
    """That process, for the length of a block."""

    def __init__(self, models: Path, side: int, threads: int) -> None:
        self._command = [
            sys.executable,
            "-m",
            "bench.service.bare_stylizer",
            str(models),
            str(side),
            str(threads),
        ]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        self._ask("0 3")
        return self

    def rate(self, first: int, count: int) -> float:
        """Return the pictures a second over photos from number `first` on."""
        return count / float(self._ask(f"{first} {count}"))

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the bare model's process ended")
        return answer

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def main() -> None:
    models, side, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    configure_tensorflow(threads, threads)
    stylizer = load_model(load_catalog().default("stylize"), ModelStore(models))
    assert isinstance(stylizer, Stylizer)
    stylizer.warm_up()
    for line in sys.stdin:
        first, count = (int(part) for part in line.split())
        pictures = [_pixels(photo(number, side)) for number in range(first, first + count)]
        print(timed(lambda: _paint(stylizer, pictures)), flush=True)  # noqa: B023  (called at once)


def _pixels(jpeg: bytes) -> Picture:
    return to_float(decode(jpeg, ImageLimits()).rgb)


def _paint(stylizer: Stylizer, pictures: list[Picture]) -> None:
    prepared = stylizer.prepare_style(_pixels(style()))
    for picture in pictures:
        stylizer.stylize(picture, prepared)


if __name__ == "__main__":
    main()
