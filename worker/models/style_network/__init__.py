"""The feed-forward style network in plain TensorFlow: weights, fast form, large pictures in strips."""
