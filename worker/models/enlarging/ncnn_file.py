"""Reads the weights of a network in ncnn's format: layers as text in `.param`, their numbers in `.bin`.

Only layers of this package's networks are known. Every size is checked before anything is read by it, and
nothing in the files is run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.errors import ModelCorrupt

Array = npt.NDArray[np.float32]

_MAGIC = "7767517"  # the first line of a .param file
_HALVES = b"\x47\x6b\x30\x01"  # before a kernel: its numbers are float16; four zeros mean float32
_MOST_LAYERS = 4096
_MOST_TEXT, _MOST_WEIGHTS = 1 << 20, 1 << 26  # bytes
_BORDERS = {"1": "3", "4": "1", "5": "1"}  # of every convolution: 3 x 3, one pixel around, with a bias
_LEAKY, _SLOPE = "2", "-23310"  # what follows a convolution, and the key of the slope
_WITHOUT_WEIGHTS = frozenset({"Input", "Split", "Concat", "Eltwise", "BinaryOp", "PixelShuffle", "Interp"})


@dataclass(frozen=True, slots=True, eq=False)
class NcnnConvolution:
    """A 3 x 3 convolution, and the slopes of the ReLU where a parametric or leaky one follows it."""

    kernel: Array  # (3, 3, in, out)
    bias: Array  # (out,)
    slope: Array | None = None  # (out,)


def read_convolutions(param: Path, weights: Path) -> tuple[NcnnConvolution, ...]:
    """Return the convolutions in the order of the file; raise ModelCorrupt where a file is no such network.

    OSError where one cannot be read.
    """
    try:
        return tuple(_convolutions(_lines(param), _Numbers(_bytes(weights, _MOST_WEIGHTS))))
    except (ValueError, KeyError, IndexError) as error:
        raise ModelCorrupt("the weights are not the known network", inside=f"{param}: {error}") from error


def _bytes(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path.name} has more than {most} bytes")
    return data


def _lines(param: Path) -> list[list[str]]:
    """Return the words of each layer's line."""
    magic, counts, *lines = _bytes(param, _MOST_TEXT).decode("ascii").splitlines()
    if magic.strip() != _MAGIC or int(counts.split()[0]) != len(lines) or len(lines) > _MOST_LAYERS:
        raise ValueError("its first lines are not those of ncnn")
    return [line.split() for line in lines]


class _Numbers:
    """The numbers of a .bin file, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def _take(self, size: int) -> bytes:
        found = self._data[self._place : self._place + size]
        if not 0 <= size == len(found):
            raise ValueError("its weights end too early")
        self._place += size
        return found

    def floats(self, count: int) -> Array:
        return np.frombuffer(self._take(4 * count), "<f4").astype(np.float32)

    def kernel(self, count: int) -> Array:
        """Return numbers after the mark that says how they are stored; halves fill up four bytes."""
        mark = self._take(4)
        if mark == _HALVES:
            padded = np.frombuffer(self._take(2 * (count + count % 2)), "<f2")
            return padded[:count].astype(np.float32)
        if mark != bytes(4):
            raise ValueError(f"its weights are stored in an unknown way, {mark.hex()}")
        return self.floats(count)

    def end(self) -> None:
        if self._place != len(self._data):
            raise ValueError("there are more weights than layers for them")


def _convolutions(lines: list[list[str]], numbers: _Numbers) -> Iterator[NcnnConvolution]:
    last: NcnnConvolution | None = None
    for kind, _, given, made, *rest in lines:
        options = dict(word.split("=", 1) for word in rest[int(given) + int(made) :])
        if kind == "PReLU" and last is not None and last.slope is None:
            last = NcnnConvolution(last.kernel, last.bias, numbers.floats(len(last.bias)))
            continue
        if kind == "Convolution":
            if last is not None:
                yield last
            last = _convolution(options, numbers)
        elif kind not in _WITHOUT_WEIGHTS:
            raise ValueError(f"it has a layer of kind {kind}")
    if last is not None:
        yield last
    numbers.end()


def _convolution(options: Mapping[str, str], numbers: _Numbers) -> NcnnConvolution:
    made, size = int(options["0"]), int(options["6"])
    if any(options.get(key) != value for key, value in _BORDERS.items()) or made < 1:
        raise ValueError("it has a convolution of another form")
    kernel = numbers.kernel(size).reshape(made, -1, 3, 3).transpose(2, 3, 1, 0)
    bias, after = numbers.floats(made), options.get("9", "0")
    if after not in ("0", _LEAKY):
        raise ValueError(f"it has a convolution with an unknown activation, {after}")
    slope = np.full(made, _only(options[_SLOPE]), np.float32) if after == _LEAKY else None
    return NcnnConvolution(np.ascontiguousarray(kernel), bias, slope)


def _only(array: str) -> float:
    """Return the number of an array of one: its length comes first."""
    length, number = array.split(",")
    if length != "1":
        raise ValueError("it has a leaky ReLU with more than one slope")
    return float(number)
