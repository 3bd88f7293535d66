"""The reader of ncnn's files: what it reads, and what it refuses."""

import struct
from pathlib import Path

import numpy as np
import pytest

from shared.errors import ModelCorrupt
from worker.models.enlarging.ncnn_file import read_convolutions

HALVES, FLOATS = b"\x47\x6b\x30\x01", bytes(4)
CONVOLUTION = "Convolution c 1 1 data out 0=1 1=3 4=1 5=1 6=9"
KERNEL = np.arange(9, dtype="<f2")


def written(folder: Path, layers: list[str], weights: bytes) -> tuple[Path, Path]:
    param, numbers = folder / "net.param", folder / "net.bin"
    param.write_text("\n".join(["7767517", f"{len(layers)} 9", *layers]))
    numbers.write_bytes(weights)
    return param, numbers


def test_a_kernel_of_halves_fills_up_four_bytes(tmp_path: Path) -> None:
    weights = HALVES + KERNEL.tobytes() + b"\0\0" + struct.pack("<f", 0.5)
    (layer,) = read_convolutions(*written(tmp_path, [CONVOLUTION], weights))
    np.testing.assert_array_equal(layer.kernel[:, :, 0, 0], np.arange(9).reshape(3, 3))
    assert layer.bias.tolist() == [0.5]
    assert layer.slope is None


def test_a_kernel_may_be_of_floats_and_a_prelu_follow(tmp_path: Path) -> None:
    weights = FLOATS + KERNEL.astype("<f4").tobytes() + struct.pack("<2f", 0.5, 0.25)
    layers = [CONVOLUTION, "PReLU p 1 1 out bent 0=1"]
    (layer,) = read_convolutions(*written(tmp_path, layers, weights))
    assert layer.slope is not None
    assert layer.slope.tolist() == [0.25]


def test_a_leaky_relu_has_one_slope_for_all(tmp_path: Path) -> None:
    weights = FLOATS + KERNEL.astype("<f4").tobytes() + struct.pack("<f", 0.5)
    (layer,) = read_convolutions(*written(tmp_path, [f"{CONVOLUTION} 9=2 -23310=1,2.5e-01"], weights))
    assert layer.slope is not None
    assert layer.slope.tolist() == [0.25]


SOUND = HALVES + KERNEL.tobytes() + bytes(6)


@pytest.mark.parametrize(
    ("layer", "weights"),
    [
        (CONVOLUTION, SOUND[:-1]),
        (CONVOLUTION, SOUND + b"\0"),
        (CONVOLUTION, b"\1\2\3\4" + SOUND[4:]),
        (CONVOLUTION.replace("6=9", "6=8"), SOUND),
        (CONVOLUTION.replace("6=9", "6=9000000000000000000"), SOUND),
        (CONVOLUTION.replace("6=9", "6=-9"), SOUND),
        (CONVOLUTION.replace("0=1", "0=0"), SOUND),
        (CONVOLUTION.replace("1=3", "1=5"), SOUND),
        (CONVOLUTION.replace("4=1", "4=0"), SOUND),
        (CONVOLUTION.replace("6=9", "6=x"), SOUND),
        (CONVOLUTION.replace(" 6=9", ""), SOUND),
        (f"{CONVOLUTION} 9=4", SOUND),
        (f"{CONVOLUTION} 9=2", SOUND),
        (f"{CONVOLUTION} 9=2 -23310=2,0.1,0.2", SOUND),
        ("Deconvolution d 1 1 data out 0=1", b""),
        ("PReLU p 1 1 data out 0=1", bytes(4)),
        ("Convolution", SOUND),
        ("Convolution c one 1 data out", SOUND),
    ],
)
def test_what_is_no_such_network_is_refused(tmp_path: Path, layer: str, weights: bytes) -> None:
    with pytest.raises(ModelCorrupt, match="the weights are not the known network"):
        read_convolutions(*written(tmp_path, [layer], weights))


@pytest.mark.parametrize(
    "text", ["", "7767517", "7767518\n0 0", "7767517\n2 2\nInput i 0 1 data", "\xff\n1 1"]
)
def test_a_text_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "net.param").write_bytes(text.encode("latin-1"))
    (tmp_path / "net.bin").write_bytes(b"")
    with pytest.raises(ModelCorrupt):
        read_convolutions(tmp_path / "net.param", tmp_path / "net.bin")


def test_a_file_that_is_too_long_is_refused_unread(tmp_path: Path) -> None:
    param, weights = written(tmp_path, [CONVOLUTION], SOUND)
    with weights.open("r+b") as file:
        file.truncate(1 << 33)
    with pytest.raises(ModelCorrupt, match="more than"):
        read_convolutions(param, weights)
