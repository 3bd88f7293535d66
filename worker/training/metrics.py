"""The measured values of a run over its steps: a file of JSON lines, and a PNG of 900 x 720 pixels."""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.training.config import StepReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES, _DPI = (9.0, 7.2), 100
_PANELS = {  # keys of the metrics log, by title
    "losses": ("generator_loss", "discriminator_loss"),
    "taken for real": ("real_score", "fake_score"),
    "distance to the data": ("quality",),
}
_COLORS = ("#1f5fa8", "#c4452d")
_POINTS = 300  # a longer line is averaged down to this many points
_MARKED_POINTS = 30  # from here on a line needs no marks at its points


class MetricsLog:
    """Appends a line a report. A run that is resumed at a step first drops the lines after it."""

    def __init__(self, path: Path, *, step: int) -> None:
        self.path = path
        lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        path.write_text("".join(kept), "utf-8")

    def append(self, report: StepReport) -> None:
        """Add the line of one step."""
        losses = report.losses
        line = {
            "step": report.step,
            "generator_loss": losses.generator,
            "discriminator_loss": losses.discriminator,
            "real_score": losses.real_score,
            "fake_score": losses.fake_score,
            "seconds": round(report.seconds, 3),
        }
        if report.quality is not None:
            line["quality"] = report.quality
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """Return all lines."""
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]


def draw_plot(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the lines of a metrics log: losses, the discriminator's scores and the checks of quality."""
    # Matplotlib takes a second to import and 30 MiB: only a run that draws should pay for it.
    from matplotlib.figure import Figure

    figure = Figure(_INCHES, _DPI)
    figure.subplots_adjust(left=0.07, right=0.97, top=0.95, bottom=0.05, hspace=0.35)
    last = max((line["step"] for line in lines), default=1)
    for axes, (title, keys) in zip(figure.subplots(len(_PANELS)), _PANELS.items(), strict=True):
        for key, color in zip(keys, _COLORS, strict=False):
            _draw_curve(axes, _points(lines, key), key.replace("_", " "), color)
        axes.set(xlim=(0, last), ylim=(0, None))
        axes.set_title(title, loc="left")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(keys), frameon=False)
        axes.grid(color="#dddddd")
    buffer = BytesIO()
    figure.savefig(buffer)
    Image.open(buffer).convert("RGB").save(path)


def _points(lines: Sequence[dict[str, Any]], key: str) -> NDArray[np.float64]:
    """Return steps and values, (2, points)."""
    found = np.array([(line["step"], line[key]) for line in lines if key in line]).reshape(-1, 2)
    groups = np.array_split(found, _POINTS) if len(found) > _POINTS else found[:, None]
    return np.array([group.mean(axis=0) for group in groups]).reshape(-1, 2).T


def _draw_curve(axes: "Axes", points: NDArray[np.float64], label: str, color: str) -> None:
    marker = "o" if points.shape[1] < _MARKED_POINTS else ""
    axes.plot(*points, color=color, label=label, marker=marker, markersize=5, clip_on=False)
