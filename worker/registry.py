"""The models of this process: loaded from the model store, warmed, one copy each."""

import logging
import threading
import time
from collections.abc import Iterable
from typing import Any

from shared.cards import Catalog, ModelCard
from shared.worker_roster import LoadedModel
from worker.models.loading import load_model
from worker.models.store import ModelStore

log = logging.getLogger("atelier.worker")


class ModelRegistry:
    """Loaded models by name. Safe for many threads; each model is loaded once."""

    def __init__(self, catalog: Catalog, store: ModelStore) -> None:
        self._catalog = catalog
        self._store = store
        self._models: dict[str, Any] = {}
        self._lock = threading.Lock()

    def preload(self, extra: Iterable[str] = ()) -> None:
        """Load and warm the cards marked `preload` and those named; pull what the distribution carries."""
        names = [card.name for card in self._catalog if card.preload]
        for name in dict.fromkeys([*names, *extra]):
            card = self._catalog.get(name)
            if card.source.type == "builtin":
                self._store.pull(card)
            self.get(name)

    def get(self, name: str) -> Any:
        """Return a warm model. Raises UnknownModel, ModelUnavailable or ModelCorrupt."""
        model = self._models.get(name)
        if model is not None:
            return model
        with self._lock:
            if name not in self._models:
                self._models[name] = self._load(self._catalog.get(name))
            return self._models[name]

    def _load(self, card: ModelCard) -> Any:
        started = time.monotonic()
        model = load_model(card, self._store)
        model.warm_up()
        seconds = round(time.monotonic() - started, 2)
        log.info("model ready", extra={"model": card.name, "version": card.version, "seconds": seconds})
        return model

    def loaded(self) -> tuple[LoadedModel, ...]:
        """Return what is loaded, for the roster."""
        models = dict(self._models)
        return tuple(LoadedModel(name, m.card.version, m.digest) for name, m in sorted(models.items()))
