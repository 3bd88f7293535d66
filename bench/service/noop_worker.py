"""A worker whose only model does nothing: everything around a model, and nothing else.

`python -m bench.service.noop_worker` serves the lanes by the settings in the environment, as
`python -m worker` does; with `--celery-consumer`, through the consumer that is Celery's own. The model may
wait for as many seconds as NOOP_SECONDS says.
"""

import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.cards.card import ModelCard
from shared.cards.parts import Latent, Picture, Range, SavedModelSource
from shared.errors import UnknownModel
from shared.images.limits import ImageLimits
from shared.logs import configure_logs
from shared.queue.celery_app import MODEL_QUEUES
from shared.settings import Settings
from shared.workers import LoadedModel, Worker
from worker.__main__ import consume
from worker.execution.attempt import AttemptsInFlight
from worker.execution.batcher import Batcher
from worker.execution.resources import Resources, StyleCache
from worker.memory import share_heaps
from worker.process.context import WorkerContext
from worker.process.heartbeat import Heartbeat, Liveness
from worker.runner import JobRunner

CARD = ModelCard(
    name="nothing",
    kind="generate",
    version="1",
    title="Nothing",
    description="One black pixel a seed.",
    license="Apache-2.0",
    source=SavedModelSource(type="saved_model", path="/nowhere"),
    max_batch=16,
    parameters={"count": Range(minimum=1, maximum=16, default=1)},
    latent=Latent(normals=1, classes=0),
    picture=Picture(width=1, height=1, channels=1),
)


def write_card(folder: Path) -> Path:
    """Write the card where ATELIER_CARDS_DIR may point; return the folder."""
    folder.mkdir()
    (folder / f"{CARD.name}.json").write_text(CARD.model_dump_json(), "utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class Nothing:
    """The model."""

    card: ModelCard = CARD
    digest: str = "nothing"
    seconds: float = float(os.environ.get("NOOP_SECONDS", "0"))

    def generate(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return a black pixel for each latent."""
        time.sleep(self.seconds)
        return np.zeros((len(latents), 1, 1, 1), np.uint8)


class OneModel:
    """The registry that the runner gets it from."""

    def __init__(self) -> None:
        self._model = Nothing()

    def get(self, name: str) -> Any:
        """Return the model, which has one name."""
        if name != CARD.name:
            raise UnknownModel.of_field("/model", f"only {CARD.name} is served here")
        return self._model

    def runnable(self) -> tuple[str, ...]:
        """Return the model's name."""
        return (CARD.name,)


class NoopWorker:
    """Serves the lanes with the parts of a model worker."""

    queues = MODEL_QUEUES

    def __init__(self, base: WorkerContext) -> None:
        settings = base.settings
        self._base = base
        self._held = AttemptsInFlight()
        announced = (LoadedModel(CARD.name, CARD.version, "nothing"),)
        self._liveness = Liveness(
            Worker(base.id, settings.worker.threads, ()),
            base.roster,
            settings.worker_health,
            available=tuple,
            models=lambda: announced,
        )
        resources = Resources(base.objects, Batcher(2), StyleCache(), ImageLimits())
        runner = JobRunner(
            base.id, base.store, base.queue, models=OneModel(), resources=resources, held=self._held
        )
        base.serve_jobs(runner.handle)

    def prepare(self) -> None:
        """Start the threads that renew leases and notify workers."""
        self._base.reaper.start()
        Heartbeat(self._base.store, self._held, on_beat=self._liveness.progress, on_away=self._liveness.away)

    def begin(self) -> None:
        """Celery consumes: the worker is ready."""
        self._liveness.begin()

    def drain(self) -> None:
        """Stop."""
        self._liveness.end()


def main() -> int:
    share_heaps()
    settings = Settings.from_env()
    configure_logs(settings.log_format, settings.log_level)
    base = WorkerContext(settings)
    if "--celery-consumer" in sys.argv:
        base.celery.conf.worker_consumer = "celery.worker.consumer:Consumer"
    return consume(base, NoopWorker(base), threads=settings.worker.threads)


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)
