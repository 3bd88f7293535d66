"""The Fréchet distance of two sets of features, each taken for a normal distribution. Needs only NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The normal distribution with the mean (d,) and covariance (d, d) of features."""

    mean: Matrix
    covariance: Matrix

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> "Gaussian":
        """Measure features (n, d), n at least 2."""
        values = features.astype(np.float64)
        return cls(values.mean(axis=0), np.atleast_2d(np.cov(values, rowvar=False)))


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """Return the squared Fréchet distance of two normal distributions; 0 where they are equal.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^.5 C2 C1^.5)^.5), after Dowson and Landau (1982); on features of a
    network it is the FID of Heusel et al. (arXiv:1706.08500). Samples of fewer pictures give a higher one.
    """
    root = _square_root(one.covariance)
    cross = np.linalg.eigvalsh(root @ other.covariance @ root)
    shift = float(np.sum((one.mean - other.mean) ** 2))
    spread = np.trace(one.covariance) + np.trace(other.covariance)
    return shift + float(spread - 2 * np.sqrt(cross.clip(0)).sum())


def _square_root(matrix: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(matrix)
    root: Matrix = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return root
