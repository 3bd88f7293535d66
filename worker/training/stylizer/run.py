"""A stylizer's training run, from a style picture and a folder of photos to exported weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from shared.cards.card import load_catalog
from worker.codec.pixels import Pixels, contact_sheet, to_float, to_uint8
from worker.models.loading import load_model
from worker.models.nst.style_optimizer import StyleOptimizer
from worker.models.nst.target import LossWeights
from worker.models.store import ModelStore
from worker.models.style_network.weights import TRANSFORMER_FILE
from worker.models.stylization.trained import StylizerRecord, write_stylizer
from worker.training.checkpoint import FOLDER, Arrays, CheckpointFolder
from worker.training.early_stopping import rate_share
from worker.training.loop import IsStopping, OnProgress, Run, naming
from worker.training.metrics import Panels
from worker.training.stylizer.config import FEATURES, PaintingLosses, StylizerConfig
from worker.training.stylizer.network import StylizerNetwork
from worker.training.stylizer.photos import OnSkip, Photos, find_photos, read_style
from worker.training.stylizer.train_step import StylizerTrainer

SAMPLES = 4  # photos that are painted as the run goes on


@dataclass(frozen=True, slots=True)
class TrainedStylizer:
    """A finished run."""

    folder: Path  # that holds the weights and their record
    record: StylizerRecord

    @property
    def weights(self) -> Path:
        """The exported file."""
        return self.folder / TRANSFORMER_FILE


def train(
    config: StylizerConfig,
    *,
    store: ModelStore,
    on_progress: OnProgress,
    on_skip: OnSkip,
    is_stopping: IsStopping = lambda: False,
) -> TrainedStylizer:
    """Train a network for one style, and export its last step to `config.out`.

    `store` has the network whose features are compared, or builds it. Reports after every step, and then asks
    whether to stop: TrainingStopped is raised after all is saved. A run that was stopped at any moment and
    resumed ends with the same weights as one that was not, on the same machine and number of threads.
    `on_skip` is told of photos that cannot be used. Raises InvalidRequest for a style that cannot be read, a
    folder without usable photos, a folder that holds another run, and one to resume that holds none;
    ModelUnavailable where the features are not stored, ModelCorrupt for a damaged checkpoint.
    """
    if config.resume:
        CheckpointFolder(config.out / FOLDER).check_resumable()
    style, style_sha256 = read_style(config.style, config.style_side)
    photos = find_photos(config.photos, least=config.size, on_skip=on_skip)
    features = _features(config.features, store)
    run = _Run(config, photos, features, style, style_sha256)
    run.train(on_progress, is_stopping)
    with naming(config.out):
        record = write_stylizer(
            config.out,
            run.network.weights(),
            style=config.style.name,
            style_sha256=style_sha256,
            photos=len(photos),
            data=photos.digest,
            features=f"{features.card.name} {features.card.version}",
            hyperparameters=config.hyperparameters(),
            losses=run.measure().metrics(),
        )
    return TrainedStylizer(config.out, record)


def _features(name: str, store: ModelStore) -> StyleOptimizer:
    """Return the network of features: the bundled one is built where the store lacks it."""
    card = load_catalog().get(FEATURES[name], "stylize").model_copy(update={"prefers": None})
    if name == "mobilenet":
        store.pull(card)
    model = load_model(card, store)
    assert isinstance(model, StyleOptimizer), "the card says that it optimizes"
    return model


class _Run(Run):
    panels: ClassVar[Panels] = {
        "loss": ("total_loss",),
        "style and content": ("style_loss", "content_loss"),
        "variation": ("variation_loss",),
    }

    def __init__(
        self,
        config: StylizerConfig,
        photos: Photos,
        features: StyleOptimizer,
        style: Pixels,
        style_sha256: str,
    ) -> None:
        super().__init__(config, photos.digest)
        self._hyperparameters |= {"style": style_sha256, "feature weights": features.digest}
        self._config, self._photos = config, photos
        self.network = StylizerNetwork(config.width, config.seed)
        weights = LossWeights(config.style_weight, config.content_weight, config.tv_weight)
        grams = features.grams(to_float(style))
        self._trainer = StylizerTrainer(self.network, features.features, grams, weights)
        self._middles = photos.middles(SAMPLES, config.size)

    def measure(self) -> PaintingLosses:
        """Return the losses of the samples."""
        photos, painted = to_float(np.stack(self._middles)), to_float(np.stack(self._painted()))
        return self._trainer.measure(photos, painted)

    def _painted(self) -> list[Pixels]:
        return [to_uint8(self.network(to_float(photo)[None])[0].numpy()) for photo in self._middles]

    def _updates(self) -> Iterator[PaintingLosses]:
        config, batch = self._config, self._config.batch_size
        squares = self._photos.squares(side=config.size, seed=config.seed, start=self._done * batch)
        while True:
            photos = np.stack([next(squares) for _ in range(batch)])
            rate = config.rate * rate_share(self._done, config.steps)
            yield self._trainer.step(photos, rate=rate, turn=self._done)

    def _state(self) -> Arrays:
        return self._trainer.state()

    def _set_state(self, arrays: Arrays) -> None:
        self._trainer.restore(arrays)

    def _draw_samples(self) -> Path:
        """Draw the same photos, and what the network makes of them below."""
        folder = self._config.out / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self._done:08d}.png"
        sheet = contact_sheet([*self._middles, *self._painted()], len(self._middles))
        Image.fromarray(sheet).save(path)
        return path
