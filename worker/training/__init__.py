"""Training of the digit generator: data, the adversarial step, checkpoints, and the run that joins them."""
