"""The models of this process: loaded from the model store, warmed, one copy each, renewed when asked."""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.cards import Catalog, ModelCard
from shared.errors import AtelierError
from shared.worker_roster import LoadedModel
from worker.models.loading import choose, load_model
from worker.models.store import ModelStore

log = logging.getLogger("atelier.worker")


@dataclass(frozen=True, slots=True)
class _Loaded:
    card: ModelCard  # by which it was loaded; the model's own may differ in the version
    model: Any
    files: str  # digest of the stored files that it was loaded from


class ModelRegistry:
    """Loaded models by name. Safe for many threads; each model is loaded once."""

    def __init__(self, catalog: Catalog, store: ModelStore) -> None:
        self._catalog = catalog
        self._store = store
        self._loaded: dict[str, _Loaded] = {}
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
        known = self._loaded.get(name)
        if known is not None:
            return known.model
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(self._catalog.get(name))
            return self._loaded[name].model

    def refresh(self) -> None:
        """Take new versions of loaded models into service; the old one serves until the new one is warm.

        A new version that cannot be loaded is reported, and the old one stays.
        """
        with self._lock:
            for name, known in list(self._loaded.items()):
                try:
                    self._renew(name, known)
                except AtelierError as error:
                    fields = {"model": name, "code": error.code, "detail": error.detail}
                    log.warning("model not renewed", extra=fields)

    def _renew(self, name: str, known: _Loaded) -> None:
        card = self._catalog.get(name)
        if card != known.card or self._files_of(card) != known.files:
            self._loaded[name] = self._load(card)

    def _load(self, card: ModelCard) -> _Loaded:
        started = time.monotonic()
        files = self._files_of(card)
        model = load_model(card, self._store)
        model.warm_up()
        seconds = round(time.monotonic() - started, 2)
        log.info("model ready", extra={"model": card.name, "version": model.card.version, "seconds": seconds})
        return _Loaded(card, model, files)

    def _files_of(self, card: ModelCard) -> str:
        found = self._store.find(choose(card, self._store))
        return found.manifest.digest if found else ""

    def loaded(self) -> tuple[LoadedModel, ...]:
        """Return what is loaded, for the roster."""
        models = [(name, known.model) for name, known in sorted(self._loaded.copy().items())]
        return tuple(LoadedModel(name, model.card.version, model.digest) for name, model in models)
