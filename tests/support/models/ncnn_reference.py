"""Runs a network in ncnn's files as its graph says it, in NumPy: a second reading, for tests alone."""

from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Blob = np.ndarray  # (channels, h, w), float64


def run(param: Path, weights: Path, picture: np.ndarray) -> np.ndarray:
    """Return what the network makes of (h, w, 3) in 0..1, unclipped."""
    numbers = np.fromfile(weights, np.uint8)
    blobs, place = {}, 0
    for line in param.read_text().splitlines()[2:]:
        kind, _, inputs, outputs, *words = line.split()
        ins, outs = words[: int(inputs)], words[int(inputs) : int(inputs) + int(outputs)]
        options = dict(word.split("=") for word in words[int(inputs) + int(outputs) :])
        given = [blobs[name] for name in ins]
        if kind == "Input":
            made = picture.transpose(2, 0, 1).astype(np.float64)
        elif kind == "Convolution":
            made, place = _convolution(given[0], options, numbers, place)
        elif kind == "PReLU":
            slope = numbers[place : place + 4 * len(given[0])].view("<f4").astype(np.float64)
            place += 4 * len(given[0])
            made = np.where(given[0] < 0, slope[:, None, None] * given[0], given[0])
        else:
            made = _plain(kind, given, options)
        blobs |= dict.fromkeys(outs, made)
    assert place == len(numbers)
    return blobs["output"].transpose(1, 2, 0)


def _convolution(blob: Blob, options: dict[str, str], numbers: np.ndarray, place: int) -> tuple[Blob, int]:
    count, made = int(options["6"]), int(options["0"])
    assert numbers[place : place + 4].tobytes().hex() == "476b3001"  # float16
    kernel = numbers[place + 4 : place + 4 + 2 * count].view("<f2").astype(np.float64)
    place += 4 + 2 * count
    bias = numbers[place : place + 4 * made].view("<f4").astype(np.float64)
    windows = sliding_window_view(np.pad(blob, [(0, 0), (1, 1), (1, 1)]), (3, 3), (1, 2))
    found = np.einsum("ihwyx,oiyx->ohw", windows, kernel.reshape(made, -1, 3, 3), optimize=True)
    found += bias[:, None, None]
    if options.get("9") == "2":
        found = np.where(found < 0, float(options["-23310"].split(",")[1]) * found, found)
    return found, place + 4 * made


def _plain(kind: str, given: list[Blob], options: dict[str, str]) -> Blob:
    match kind:
        case "Split":
            return given[0]
        case "Concat":
            return np.concatenate(given)
        case "BinaryOp":
            return given[0] + given[1]
        case "Eltwise":
            factors = [float(word) for word in options["-23301"].split(",")[1:]]
            return factors[0] * given[0] + factors[1] * given[1]
        case "PixelShuffle":
            side, (channels, height, width) = int(options["0"]), given[0].shape
            parts = given[0].reshape(channels // side**2, side, side, height, width)
            return parts.transpose(0, 3, 1, 4, 2).reshape(-1, height * side, width * side)
        case "Interp" if options["0"] == "1":
            return given[0].repeat(int(float(options["1"])), 1).repeat(int(float(options["2"])), 2)
        case "Interp" if options["0"] == "3":
            return _cubic(_cubic(given[0], float(options["1"])).swapaxes(1, 2), float(options["2"])).swapaxes(
                1, 2
            )
    raise ValueError(kind)


def _cubic(blob: Blob, scale: float) -> Blob:
    """Scale the rows by Keys' cubic with a = -0.75, the edge going on beyond the borders."""
    height, a = blob.shape[1], -0.75
    rows = []
    for index in range(round(height * scale)):
        place = (index + 0.5) / scale - 0.5
        total = np.zeros_like(blob[:, 0])
        for row in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            x = abs(place - row)
            near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
            total += (near if x <= 1 else far) * blob[:, min(max(row, 0), height - 1)]
        rows.append(total)
    return np.stack(rows, 1)
