"""Small SavedModels that generate, with the call conventions that are in use."""

from typing import Any

import tensorflow as tf


class Blocks(tf.Module):
    """Colored blocks: a latent of any size times fixed weights, squeezed into a range, each value a block."""

    def __init__(self, size: int, *, side: int = 8, low: float = 0.0, high: float = 1.0) -> None:
        self._side, self._low, self._high = side, low, high
        count = 4 * 4 * 3
        self.weights = tf.Variable(
            tf.reshape(tf.sin(tf.range(size * count, dtype=tf.float32)), (size, count))
        )

    def draw(self, latents: Any) -> Any:
        values = tf.sigmoid(tf.matmul(latents, self.weights)) * (self._high - self._low) + self._low
        blocks = tf.reshape(values, (-1, 4, 4, 3))
        return tf.repeat(tf.repeat(blocks, self._side // 4, axis=1), self._side // 4, axis=2)


class HubBlocks(Blocks):
    """Called as progan-128 is: module.signatures["default"](latents)["default"]."""

    def __init__(self, size: int, *, batch: int | None = None, **options: Any) -> None:
        super().__init__(size, **options)
        spec = tf.TensorSpec((batch, size), tf.float32, name="latent_vector")
        self.default = tf.function(lambda latent_vector: {"default": self.draw(latent_vector)}, [spec])

    def save(self, folder: str) -> None:
        tf.saved_model.save(self, folder, signatures={"default": self.default})


class CallableBlocks(Blocks):
    """Called as module(latents) alone: two traces, and so no signature; gives a list."""

    @tf.function
    def __call__(self, latents: Any, training: bool = False) -> Any:
        return [self.draw(latents)]

    def save(self, folder: str) -> None:
        spec = tf.TensorSpec((None, self.weights.shape[0]), tf.float32)
        for training in (False, True):
            self.__call__.get_concrete_function(spec, training=training)
        tf.saved_model.save(self, folder)


class ByteBlocks(HubBlocks):
    """Gives bytes."""

    def draw(self, latents: Any) -> Any:
        return tf.cast(super().draw(latents) * 255, tf.uint8)


class NoisyBlocks(HubBlocks):
    """Adds noise that depends on no latent."""

    def draw(self, latents: Any) -> Any:
        clean = super().draw(latents)
        return tf.clip_by_value(clean + tf.random.normal(tf.shape(clean), stddev=0.2), 0, 1)


class MixingBlocks(HubBlocks):
    """Subtracts the mean of the batch, as batch normalization does that was saved in training mode."""

    def draw(self, latents: Any) -> Any:
        weights = tf.range(1, tf.shape(latents)[0] + 1, dtype=tf.float32)[:, None]
        return super().draw(latents - tf.reduce_mean(latents * weights, axis=0))


class BrokenBlocks(HubBlocks):
    """Gives no numbers."""

    def draw(self, latents: Any) -> Any:
        return super().draw(latents) / 0.0 - super().draw(latents) / 0.0


class PairBlocks(Blocks):
    """Takes two inputs, which no card can describe."""

    def save(self, folder: str) -> None:
        spec = tf.TensorSpec((None, self.weights.shape[0]), tf.float32)
        pair = tf.function(lambda latents, labels: {"default": self.draw(latents + labels)}, [spec, spec])
        tf.saved_model.save(self, folder, signatures={"default": pair})
