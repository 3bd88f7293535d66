"""The figures of a set of pictures: distances, shares of classes, and nearness to the training pictures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from worker.training.metrics import Gaussian, frechet_distance

if TYPE_CHECKING:
    from bench.models.digit_classifier import DigitClassifier

CLASSES = 10
# Features have no unit, so every classifier has its own scale of distances. It is fixed by a known fault:
# training pictures of which one class is missing are this far from the held-out ones.
FID_WITHOUT = 3.1
MISSING = 7
SCALED_BY = 10_000  # pictures
UNSURE = 0.9  # a lower highest random counts as unsure
NEIGHBORS_OF = 1000  # pictures
AT_ONCE = 250  # pictures in one product with all training pictures

Images = NDArray[np.uint8]
Probabilities = NDArray[np.float32]  # (n, 10)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pictures (n, 28, 28) and what they should show (n,)."""

    images: Images
    labels: NDArray[np.int64]


class Evaluator:
    """Measures sets of pictures against the held-out ones."""

    def __init__(self, classifier: "DigitClassifier", held_out: Labelled, train: Labelled) -> None:
        self._classifier = classifier
        prediction = classifier.predict(held_out.images)
        self._held_out = Gaussian.of(prediction.features)
        self._unit = 1.0
        self._unit = self.fid(without_a_class(train)) / FID_WITHOUT
        self.accuracy = 100 * float((prediction.probabilities.argmax(1) == held_out.labels).mean())
        self._train = flatten(train.images)
        self._usual = nearest(flatten(held_out.images[:NEIGHBORS_OF]), self._train)

    def fid(self, images: Images) -> float:
        """Return the Fréchet distance from the held-out pictures' features, in the unit of FID_WITHOUT."""
        return self._distance(self._classifier.predict(images).features)

    def _distance(self, features: NDArray[np.float32]) -> float:
        return frechet_distance(Gaussian.of(features), self._held_out) / self._unit

    def figures(self, pictures: Labelled) -> dict[str, float]:
        """Return all figures by name."""
        prediction = self._classifier.predict(pictures.images)
        predicted = prediction.probabilities.argmax(1)
        shares = np.bincount(predicted, minlength=CLASSES) / len(predicted)
        matches = predicted == pictures.labels
        right = np.array([100 * matches[pictures.labels == digit].mean() for digit in range(CLASSES)])
        found = {
            "FID": self._distance(prediction.features),
            "inception score": inception_score(prediction.probabilities),
            "entropy of classes, bits": entropy(shares),
            "labels right, %": 100 * float(matches.mean()),
            "  of the worst digit, %": float(right.min()),
            "  which is": float(right.argmin()),
            "rarest class, %": 100 * float(shares.min()),
            "commonest class, %": 100 * float(shares.max()),
            "unsure, %": 100 * float((prediction.probabilities.max(1) < UNSURE).mean()),
        }
        return found | self._neighbors(pictures.images)

    def _neighbors(self, images: Images) -> dict[str, float]:
        distances = nearest(flatten(images[:NEIGHBORS_OF]), self._train)
        return {
            "nearest in x_train, median": float(np.median(distances)),
            "  as for held-out, x (median)": float(np.median(distances) / np.median(self._usual)),
            "nearest in x_train, 1st percentile": float(np.percentile(distances, 1)),
            "  as for held-out, x (1st percentile)": float(
                np.percentile(distances, 1) / np.percentile(self._usual, 1)
            ),
        }


def without_a_class(pictures: Labelled) -> Images:
    """Return as many pictures as the figures rest on, those of one class left out."""
    return pictures.images[:SCALED_BY][pictures.labels[:SCALED_BY] != MISSING]


def inception_score(probabilities: Probabilities) -> float:
    """Return exp of the mean KL divergence of the probabilities from their mean (arXiv:1606.03498)."""
    safe = np.clip(probabilities.astype(np.float64), 1e-12, 1)
    divergence = (safe * (np.log(safe) - np.log(safe.mean(axis=0)))).sum(axis=1)
    return float(np.exp(divergence.mean()))


def entropy(shares: NDArray[np.float64]) -> float:
    """Return the entropy of shares in bits; 3.322 where ten are equal."""
    present = shares[shares > 0]
    return float(-(present * np.log2(present)).sum())


def flatten(images: Images) -> NDArray[np.float32]:
    """Return pictures as rows of values from 0 to 1."""
    rows: NDArray[np.float32] = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    return rows


def nearest(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each row's Euclidean distance to the nearest of the others, itself (distance 0) left out."""
    lengths = np.einsum("ij,ij->i", others, others)
    found = [_nearest_block(rows[i : i + AT_ONCE], others, lengths) for i in range(0, len(rows), AT_ONCE)]
    return np.concatenate(found)


def _nearest_block(
    rows: NDArray[np.float32], others: NDArray[np.float32], lengths: NDArray[np.float32]
) -> NDArray[np.float32]:
    squares = lengths - 2 * rows @ others.T + np.einsum("ij,ij->i", rows, rows)[:, None]
    squares[squares < 1e-2] = np.inf  # itself; rounding keeps that from being exactly 0
    best: NDArray[np.float32] = np.sqrt(squares.min(axis=1))
    return best
