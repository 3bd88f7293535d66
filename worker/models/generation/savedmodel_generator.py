"""Runs any SavedModel that generates, by TensorFlow Hub's call convention or a plain one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.cards.card import ModelCard
from shared.cards.parts import Picture
from shared.errors import ModelCorrupt, OutOfMemory
from worker.models.files.hub import load_module
from worker.models.files.manifest import read_manifest
from worker.models.generation.generator import Latents, Pictures, in_micro_batches
from worker.models.generation.latents import latent
from worker.models.runtime import memory_errors

Values = NDArray[Any]  # the output of the network, (n, height, width, channels)

_SIGNATURES = ("default", "serving_default")  # of the hub's generators, and of SavedModels in general
_OVERSHOOT = 0.25  # of the value range: good networks go a little beyond black and white
_SAME_LEVELS = 2  # within which two runs count as the same picture
_BROKEN = (tf.errors.OpError, ValueError, TypeError, KeyError)


class HubGenerator:
    """A loaded generator with the promises of `Generator`; may be called from many threads at once."""

    def __init__(self, card: ModelCard, digest: str, module: Any) -> None:
        assert card.latent is not None, "a card of kind generate has both"
        assert card.picture is not None, "a card of kind generate has both"
        self.card = card
        self.digest = digest  # of the stored files; names the exact weights
        self._latent, self._picture = card.latent, card.picture
        self._run = _Network(card, module)
        self._check()

    @classmethod
    def load(cls, card: ModelCard, folder: Path) -> "HubGenerator":
        """Load from a version folder of the model store, which has checked it.

        Raises ModelCorrupt where the network does not take the card's latent, does not give its picture and
        value range, or does not give the same picture for the same latent.
        """
        return cls(card, read_manifest(folder).digest, load_module(folder))

    def warm_up(self) -> None:
        """Run the network once more after the checks at loading."""
        self.generate(np.zeros((1, self._latent.size), np.float32))

    def generate(self, latents: Latents) -> Pictures:
        """Return pictures (n, height, width, channels), 0 to 255, for latents (n, size); n may be 0."""
        shape = (self._picture.height, self._picture.width, self._picture.channels)
        return in_micro_batches(self._draw, latents, size=self.card.max_batch, picture_shape=shape)

    def generate_smaller(self, latents: Latents) -> Pictures:
        """Return the pictures of `generate`, up to some levels, with half as many latents at once.

        Raises OutOfMemory where there is no memory for these either, or the network takes no other number.
        """
        shape = (self._picture.height, self._picture.width, self._picture.channels)
        half = max(1, self.card.max_batch // 2)
        try:
            return in_micro_batches(self._draw, latents, size=half, picture_shape=shape)
        except _BROKEN as error:
            text = f"there was no memory, and {self.card.name} cannot draw {half} pictures at once"
            raise OutOfMemory(text) from error

    def _draw(self, latents: Latents) -> Pictures:
        return _levels(self._run(latents), self.card)

    def _check(self) -> None:
        """Draw a full batch twice, the second time in reverse order."""
        seeds = range(self.card.max_batch)
        latents = np.stack([latent(self._latent, seed, None, 1.0) for seed in seeds])
        try:
            values, backward = self._run(latents), self._run(latents[::-1])
        except _BROKEN as error:
            text = f"{self.card.name} cannot draw {latents.shape}"
            raise ModelCorrupt(text, inside=str(error)) from error
        _check_shape(values, self.card, self._picture)
        _check_values(values, self.card)
        _check_sameness(_levels(values, self.card), _levels(backward, self.card)[::-1], self.card)


class _Network:
    """Calls a module on a batch of latents, by its signature or as a function."""

    def __init__(self, card: ModelCard, module: Any) -> None:
        self._module = module  # a signature does not keep its module alive
        self._function = _function_of(card, module)

    def __call__(self, latents: Latents) -> Values:
        with memory_errors(f"for latents of shape {latents.shape}"):
            output = self._function(tf.constant(latents))
        return np.asarray(_only(output))


def _function_of(card: ModelCard, module: Any) -> Callable[[Any], Any]:
    signatures = getattr(module, "signatures", {})
    name = next((name for name in (*_SIGNATURES, *signatures) if name in signatures), None)
    if name is not None:
        return _by_signature(card, signatures[name])
    if not callable(module):
        raise ModelCorrupt(f"the SavedModel of {card.name} has no signature and cannot be called")
    return lambda latents: module(latents)


def _by_signature(card: ModelCard, signature: Any) -> Callable[[Any], Any]:
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        names = ", ".join(sorted(inputs)) or "no input"
        raise ModelCorrupt(f"{card.name} takes {names}; a generator takes latents")
    ((name, spec),) = inputs.items()
    _check_input(card, spec)
    return lambda latents: signature(**{name: tf.cast(latents, spec.dtype)})


def _check_input(card: ModelCard, spec: Any) -> None:
    assert card.latent is not None, "checked when the model was made"
    expected = tf.TensorShape((card.max_batch, card.latent.size))
    if spec.dtype.is_floating and spec.shape.is_compatible_with(expected):
        return
    latent = f"{card.latent.normals} normals and {card.latent.classes} classes"
    raise ModelCorrupt(
        f"{card.name} takes {spec.dtype.name} {spec.shape}; its card says {tuple(expected)}: "
        f"{card.max_batch} latents (max_batch) of {latent}"
    )


def _only(output: Any) -> Any:
    """Return the pictures from a tensor, a list of one tensor, or a dict with `default` or one tensor."""
    if isinstance(output, dict):
        return output["default"] if "default" in output else next(iter(output.values()))
    return output[0] if isinstance(output, (list, tuple)) else output


def _levels(values: Values, card: ModelCard) -> Pictures:
    """Map the card's value range to 0..255; bytes stay as they are."""
    if values.dtype == np.uint8:
        return values
    black, white = card.value_range
    scaled = (values.astype(np.float32) - np.float32(black)) * np.float32(255 / (white - black))
    levels: Pictures = np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
    return levels


def _check_shape(values: Values, card: ModelCard, picture: Picture) -> None:
    expected = (card.max_batch, picture.height, picture.width, picture.channels)
    if values.shape != expected:
        raise ModelCorrupt(f"{card.name} gives pictures of shape {values.shape}; its card says {expected}")


def _check_values(values: Values, card: ModelCard) -> None:
    if values.dtype == np.uint8:
        return
    low, high = float(values.min()), float(values.max())
    black, white = card.value_range
    slack = _OVERSHOOT * (white - black)
    if not (black - slack <= low and high <= white + slack):  # also where they are not numbers
        found = f"{card.name} gives values from {low:.2f} to {high:.2f}"
        raise ModelCorrupt(f"{found}; its card says {black:g} to {white:g}: set value_range")


def _check_sameness(first: Pictures, second: Pictures, card: ModelCard) -> None:
    if np.abs(first.astype(np.int16) - second).max() > _SAME_LEVELS:
        raise ModelCorrupt(
            f"{card.name} gave two pictures for the same latent: it draws noise of its own, or mixes the "
            "pictures of a batch. Save it for inference, or set max_batch to 1"
        )
