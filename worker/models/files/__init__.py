"""The files of a network: manifest, archive, TensorFlow Hub module."""
