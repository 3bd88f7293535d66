"""The measured values of a run over its steps: JSON lines, a PNG of 900 x 720; and the Fréchet distance."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.training.config import StepReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

log = logging.getLogger("atelier.training")

_INCHES, _DPI = (9.0, 7.2), 100
Panels = Mapping[str, Sequence[str]]  # one or two keys of the metrics log, by title
PANELS: Panels = {  # of a generator and its discriminator
    "losses": ("generator_loss", "discriminator_loss"),
    "taken for real": ("real_score", "fake_score"),
    "distance to the data": ("quality",),
}
_COLORS = ("#1f5fa8", "#c4452d")
_POINTS = 300  # a longer line is averaged down to this many points
_MARKED_POINTS = 30  # from here on a line needs no marks at its points
Matrix = NDArray[np.float64]


class MetricsLog:
    """Appends a line a report. A run that is resumed at a step first drops the lines after it."""

    def __init__(self, path: Path, *, step: int) -> None:
        self.path = path
        lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        path.write_text("".join(kept), "utf-8")

    def append(self, report: StepReport) -> None:
        """Add the line of one step."""
        line = {"step": report.step, **report.losses.metrics(), "seconds": round(report.seconds, 3)}
        if report.quality is not None:
            line["quality"] = report.quality
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """Return all lines."""
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]


def draw_plot(lines: Sequence[dict[str, Any]], path: Path, panels: Panels = PANELS) -> None:
    """Draw the lines of a metrics log, in panels from top to bottom."""
    # Matplotlib takes a second to import and 30 MiB: only a run that draws should pay for it.
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:  # as in the worker's image; the lines are there all the same
        _warn_once()
        return

    figure = Figure(_INCHES, _DPI)
    figure.subplots_adjust(left=0.07, right=0.97, top=0.95, bottom=0.05, hspace=0.35)
    last = max((line["step"] for line in lines), default=1)
    for axes, (title, keys) in zip(figure.subplots(len(panels)), panels.items(), strict=True):
        for key, color in zip(keys, _COLORS, strict=False):
            _draw_curve(axes, _points(lines, key), key.replace("_", " "), color)
        axes.set(xlim=(0, last), ylim=(0, None))
        axes.set_title(title, loc="left")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(keys), frameon=False)
        axes.grid(color="#dddddd")
    buffer = BytesIO()
    figure.savefig(buffer)
    Image.open(buffer).convert("RGB").save(path)


@cache
def _warn_once() -> None:
    log.warning("no plot is drawn: matplotlib is not installed")


def _points(lines: Sequence[dict[str, Any]], key: str) -> NDArray[np.float64]:
    """Return steps and values, (2, points)."""
    found = np.array([(line["step"], line[key]) for line in lines if key in line]).reshape(-1, 2)
    groups = np.array_split(found, _POINTS) if len(found) > _POINTS else found[:, None]
    return np.array([group.mean(axis=0) for group in groups]).reshape(-1, 2).T


def _draw_curve(axes: "Axes", points: NDArray[np.float64], label: str, color: str) -> None:
    marker = "o" if points.shape[1] < _MARKED_POINTS else ""
    axes.plot(*points, color=color, label=label, marker=marker, markersize=5, clip_on=False)


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
