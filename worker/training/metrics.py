"""A run's figures over time, as JSON lines."""

import json
from pathlib import Path
from typing import Any

from worker.training.config import StepReport


class MetricsLog:
    """Appends a line a report. A run resumed at a step first forgets the lines after it."""

    def __init__(self, path: Path, *, step: int) -> None:
        self.path = path
        lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        path.write_text("".join(kept), "utf-8")

    def append(self, progress: StepReport) -> None:
        """Add the line of one step."""
        losses = progress.losses
        line = {
            "step": progress.step,
            "generator_loss": losses.generator,
            "discriminator_loss": losses.discriminator,
            "real_score": losses.real_score,
            "fake_score": losses.fake_score,
            "seconds": round(progress.seconds, 3),
        }
        if progress.quality is not None:
            line["quality"] = progress.quality
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """Return all lines."""
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]
