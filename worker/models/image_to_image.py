"""Runs any network from picture to picture: a SavedModel with one picture in and one out, by its card."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from shared.cards.card import ModelCard
from shared.errors import ModelCorrupt, OutOfMemory
from worker.models.files.hub import load_module
from worker.models.files.manifest import read_manifest

Picture = npt.NDArray[np.float32]  # (h, w, 3) or (h, w, 1), 0..1
Pixels = npt.NDArray[np.uint8]  # (h, w, 3) or (h, w, 1)
OnStep = Callable[[int, int], None]  # steps done, and all; may raise to end the work
Run = Callable[[Callable[[], Any]], Any]  # runs one step, perhaps on another thread; returns what it gave

_SIGNATURES = ("serving_default", "default")  # of Keras and TensorFlow, of the hub's older modules
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue in grey, ITU-R BT.601
_CHANNELS = (1, 3)


class PictureNetwork(Protocol):
    """What a transformation job needs of its network."""

    @property
    def card(self) -> ModelCard:
        """The card by which it was loaded."""

    @property
    def digest(self) -> str:
        """Names the exact weights."""

    def warm_up(self) -> None:
        """Run once."""

    def apply(self, content: Pixels, on_step: OnStep, run: Run) -> Pixels:
        """Return what is made of a picture (h, w, 3): (h * scale, w * scale, 1 or 3).

        All computation goes through `run`, in one step or many; after each of many comes `on_step`.
        """

    def apply_rows(self, content: Pixels, on_step: OnStep, run: Run, take: Callable[[Pixels], None]) -> None:
        """Do the same, and give the result's rows to `take` from top to bottom, as they are made."""


@dataclass(frozen=True, slots=True)
class Call:
    """How a network's signature is called."""

    argument: str
    output: str
    channels: int | None  # of the input; None: any
    height: int | None  # of the input, pixels; None: any
    width: int | None


class ImageToImage:
    """A loaded network from picture to picture; safe to call from several threads."""

    def __init__(self, card: ModelCard, digest: str, module: Any) -> None:
        self.card = card
        self.digest = digest  # of the stored files; names the exact weights
        self._module = module  # keeps the signature's variables alive
        self._function = _signature(card, module)
        self._call = _read_call(card, self._function)

    @classmethod
    def load(cls, card: ModelCard, folder: Path) -> "ImageToImage":
        """Load the network from its folder in the model store; ModelCorrupt when its signature is no such."""
        return cls(card, read_manifest(folder).digest, load_module(folder))

    def warm_up(self) -> None:
        """Run once on a small picture: TensorFlow's first call is slow, and a card that is wrong shows."""
        side = max(self.card.min_side, 16)
        self.transform(np.full((side, side + 1, 3), 0.5, np.float32))

    def apply(self, content: Pixels, on_step: OnStep, run: Run = lambda step: step()) -> Pixels:
        """Return what the network makes of a picture of 8-bit pixels, in one step; see `transform`."""
        made: list[Pixels] = []
        given = np.divide(content, 255, dtype=np.float32)
        run(lambda: made.append(np.rint(self.transform(given) * np.float32(255)).astype(np.uint8)))
        return made[0]

    def apply_rows(self, content: Pixels, on_step: OnStep, run: Run, take: Callable[[Pixels], None]) -> None:
        """Do the same, and give the result to `take`."""
        take(self.apply(content, on_step, run))

    def transform(self, content: Picture) -> Picture:
        """Return what the network makes of a picture (h, w, 3): (h * scale, w * scale, 1 or 3), 0..1.

        A network of one size gets the picture brought to that size, and its result is brought back. Raises
        ModelCorrupt where the result is not what the card says, and OutOfMemory.
        """
        height, width = content.shape[:2]
        scale = self.card.scale
        given = self._fit(content)
        made = self._checked(self._run(given), given)
        if self._call.height is None:
            return made[: height * scale, : width * scale]
        return _resized(made, height * scale, width * scale)

    def _fit(self, content: Picture) -> Picture:
        call, multiple = self._call, self.card.multiple
        picture = content @ _LUMA[:, None] if call.channels == 1 else content
        if call.height is not None and call.width is not None:
            return _resized(picture, call.height, call.width)
        missing = [(0, -side % multiple) for side in content.shape[:2]]
        return np.pad(picture, [*missing, (0, 0)], mode="symmetric")

    def _run(self, picture: Picture) -> Picture:
        import tensorflow as tf

        low, high = self.card.value_range
        given = tf.constant(picture[None] * np.float32(high - low) + np.float32(low))
        try:
            made = self._function(**{self._call.argument: given})[self._call.output]
        except tf.errors.ResourceExhaustedError as error:
            raise OutOfMemory(f"TensorFlow had no memory for a picture of shape {picture.shape}") from error
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            text = f"{self.card.name} cannot take a picture of shape {picture.shape}"
            text = f"{text}; its card may lack `multiple` or `min_side`"
            raise ModelCorrupt(text, inside=str(error)) from error
        values: Picture = (np.asarray(made, np.float32) - np.float32(low)) / np.float32(high - low)
        return values

    def _checked(self, made: Picture, given: Picture) -> Picture:
        """Return the one picture of a batch, clipped to 0..1."""
        sides = tuple(side * self.card.scale for side in given.shape[:2])
        if made.shape not in [(1, *sides, channels) for channels in _CHANNELS]:
            wanted = f"(1, {sides[0]}, {sides[1]}, 1 or 3) by its card's scale of {self.card.scale}"
            raise ModelCorrupt(f"{self.card.name} gave shape {made.shape} for {given.shape}, not {wanted}")
        if not np.isfinite(made).all():
            raise ModelCorrupt(f"{self.card.name} gave values that are not numbers")
        picture: Picture = np.clip(made[0], 0.0, 1.0)
        return picture


def _signature(card: ModelCard, module: Any) -> Any:
    known = dict(getattr(module, "signatures", {}))
    found = next((known[name] for name in _SIGNATURES if name in known), None)
    if found is None:
        raise ModelCorrupt(
            f"the SavedModel of {card.name} has signatures {sorted(known)}, and none of {list(_SIGNATURES)}"
        )
    return found


def _read_call(card: ModelCard, function: Any) -> Call:
    """Read a signature, and refuse what is not one float picture, channels last, to one picture."""
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        text = f"takes {sorted(inputs)} and gives {sorted(outputs)}, not one picture each"
        raise ModelCorrupt(f"the signature of {card.name} {text}")
    argument, given = next(iter(inputs.items()))
    output, made = next(iter(outputs.items()))
    _check_picture(card, "input", given)
    _check_picture(card, "output", made)
    height, width, channels = given.shape[1:] if given.shape.rank == 4 else (None, None, None)
    if (height is None) != (width is None):
        raise ModelCorrupt(f"{card.name} fixes one side of its input and not the other: {given.shape}")
    return Call(argument, output, channels, height, width)


def _check_picture(card: ModelCard, role: str, tensor: Any) -> None:
    rank, shape = tensor.shape.rank, tensor.shape
    fits = rank is None or (rank == 4 and shape[0] in (None, 1) and shape[3] in (None, *_CHANNELS))
    if tensor.dtype.name != "float32" or not fits:
        text = f"the {role} of {card.name} is {tensor.dtype.name} {shape}"
        raise ModelCorrupt(f"{text}; it must be float32 (1, height, width, 1 or 3), channels last")


def _resized(picture: Picture, height: int, width: int) -> Picture:
    import tensorflow as tf

    if picture.shape[:2] == (height, width):
        return picture
    resized = tf.image.resize(picture, (height, width), method="bicubic", antialias=True)
    clipped: Picture = np.clip(np.asarray(resized, np.float32), 0.0, 1.0)
    return clipped
