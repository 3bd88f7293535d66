"""The models of this process: loaded from the model store, warmed, one copy each, renewed when asked."""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from shared.cards.card import Catalog, ModelCard
from shared.errors import AtelierError, ModelCorrupt, ModelUnavailable
from shared.workers import LoadedModel
from worker.models.loading import Model, choose, load_model
from worker.models.sources import advice, changed_source
from worker.models.store import ModelStore

log = logging.getLogger("atelier.worker")

LOOK_SECONDS = 2.0  # a look at the model store serves claims for this long


@dataclass(frozen=True, slots=True)
class _Loaded:
    card: ModelCard  # by which it was loaded; the model's own may differ in the version
    model: Model
    files: str  # digest of the stored files that it was loaded from


class ModelRegistry:
    """Loaded models by name. Safe for many threads; each model is loaded once."""

    def __init__(self, catalog: Catalog, store: ModelStore) -> None:
        self._catalog = catalog
        self._store = store
        self._extra: tuple[str, ...] | None = None  # None until the models are preloaded
        self._loaded: dict[str, _Loaded] = {}
        self._faulty: dict[str, object] = {}  # models whose files, marked so, could not be loaded
        self._stored: tuple[str, ...] = ()
        self._looked = -LOOK_SECONDS  # when the store was last looked at
        self._lock = threading.Lock()

    def preload(self, extra: Iterable[str] = ()) -> None:
        """Load and warm the cards marked `preload` and those named; pull what the distribution carries.

        A model of the operator's own that cannot be loaded is reported and left out, and so is one that only
        `extra` names. Any other must be there: raises ModelUnavailable, ModelCorrupt or SettingsError.
        """
        self._extra = tuple(extra)
        for name in self._preloaded():
            try:
                self._pull_and_load(name)
            except Exception as error:
                card = next((card for card in self._catalog if card.name == name), None)
                if card is not None and card.is_carried and card.preload:
                    raise
                _report("model not loaded", name, error)

    def _preloaded(self) -> list[str]:
        if self._extra is None:
            return []
        return list(dict.fromkeys([*(card.name for card in self._catalog if card.preload), *self._extra]))

    def _pull_and_load(self, name: str) -> None:
        card = self._catalog.get(name)
        if card.is_carried:
            self._store.pull(card)
        self.get(name)

    def get(self, name: str) -> Model:
        """Return a warm model. Raises UnknownModel, ModelUnavailable or ModelCorrupt."""
        known = self._loaded.get(name)
        if known is not None:
            return known.model
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load_or_note(self._catalog.get(name))
            return self._loaded[name].model

    def _load_or_note(self, card: ModelCard) -> _Loaded:
        mark = self._mark(card)
        try:
            return self._load(card)
        except (ModelUnavailable, ModelCorrupt):
            if mark is not None:
                self._faulty[card.name] = mark
            self._looked = -LOOK_SECONDS
            raise

    def _mark(self, card: ModelCard) -> object:
        """Return what tells the stored files from those that replace them; None where none can be read."""
        try:
            found = self._store.find(choose(card, self._store))
            return None if found is None else found.mark
        except (AtelierError, OSError):  # damaged, its card names no good one, or it vanished just now
            return None

    def refresh(self) -> None:
        """Take new versions of loaded models into service, and models to be preloaded that were missing.

        The old version serves until the new one is warm. What cannot be loaded is reported, and the old one
        stays.
        """
        with self._lock:
            self._faulty.clear()
            for name in dict.fromkeys([*self._loaded, *self._preloaded()]):
                try:
                    self._renew(name)
                except Exception as error:  # noqa: BLE001  (any fault of one network)
                    _report("model not renewed", name, error)

    def _renew(self, name: str) -> None:
        card, known = self._catalog.get(name), self._loaded.get(name)
        if known is None or card != known.card or self._files_of(card) != known.files:
            self._loaded[name] = self._load(card)
        else:
            self._warn_of_changed_source(card)

    def _load(self, card: ModelCard) -> _Loaded:
        started = time.monotonic()
        files = self._files_of(card)
        model = load_model(card, self._store)
        model.warm_up()
        seconds = round(time.monotonic() - started, 2)
        log.info("model ready", extra={"model": card.name, "version": model.card.version, "seconds": seconds})
        self._warn_of_changed_source(card)
        return _Loaded(card, model, files)

    def _warn_of_changed_source(self, card: ModelCard) -> None:
        stored = self._store.find(card)
        file = stored and changed_source(card, stored)
        if file:
            log.warning(
                "model's source has changed", extra={"model": card.name, "detail": advice(card, file)}
            )

    def _files_of(self, card: ModelCard) -> str:
        found = self._store.find(choose(card, self._store))
        return found.manifest.digest if found else ""

    def available(self) -> tuple[str, ...]:
        """Return the names of models that the store holds, for the roster; their files unchecked.

        One that could not be loaded is left out, until its files are replaced or a refresh is asked for.
        """
        return tuple(sorted(card.name for card in self._catalog if self._is_stored(card)))

    def _is_stored(self, card: ModelCard) -> bool:
        mark = self._mark(card)
        return mark is not None and mark != self._faulty.get(card.name)

    def runnable(self) -> frozenset[str]:
        """Return the names of models that are loaded or can be loaded; as of some seconds ago at most."""
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._stored, self._looked = self.available(), now
        return frozenset(self._loaded).union(self._stored)

    def loaded(self) -> tuple[LoadedModel, ...]:
        """Return what is loaded, for the roster."""
        models = [(name, known.model) for name, known in sorted(self._loaded.copy().items())]
        return tuple(LoadedModel(name, model.card.version, model.digest) for name, model in models)


def _report(what: str, name: str, error: Exception) -> None:
    if isinstance(error, AtelierError):
        log.warning(what, extra={"model": name, "code": error.code, "detail": error.whole})
    else:
        log.warning(what, extra={"model": name, "detail": repr(error)}, exc_info=error)
