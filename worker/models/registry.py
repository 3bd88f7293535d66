"""The models of this process: loaded from the model store, warmed, one copy each, renewed when asked.

Those that no job uses are unloaded where all together take more memory than they may, the one that was used
least recently first, and those that are to be preloaded last.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from shared.cards.card import Catalog, ModelCard
from shared.cards.parts import VERSION_SIGN
from shared.errors import AtelierError, ModelCorrupt, ModelUnavailable
from shared.workers import LoadedModel
from worker.memory import give_back, resident_bytes
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
    bytes: int = 0  # of memory that it takes, about


@dataclass(frozen=True, slots=True)
class _Resting:
    """A model that was unloaded for its memory, and comes back when a job wants it."""

    model: LoadedModel
    files: str


class ModelRegistry:
    """Loaded models by name, further versions by `name@version`. For many threads; each is loaded once."""

    def __init__(
        self,
        catalog: Catalog,
        store: ModelStore,
        *,
        most_bytes: int | None = None,
        in_use: Callable[[], Collection[str]] = frozenset,
        rolled_out: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        """`most_bytes` is what all models may take, None for any; `in_use` names those that jobs use now.

        `rolled_out` names versions, as `name@version`, that are to be warm because jobs will name them.
        """
        self._catalog = catalog
        self._store = store
        self._most_bytes = most_bytes
        self._in_use = in_use
        self._rolled_out = rolled_out
        self._used: dict[str, float] = {}  # when each loaded model was last asked for
        self._resting: dict[str, _Resting] = {}
        self._extra: tuple[str, ...] | None = None  # None until the models are preloaded
        self._loaded: dict[str, _Loaded] = {}
        self._faulty: dict[str, object] = {}  # models whose files, marked so, could not be loaded
        self._stored: frozenset[str] = frozenset()
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
        cards = (card.name for card in self._catalog if card.preload)
        return list(dict.fromkeys([*cards, *self._extra, *self._rolled_out()]))

    def _key(self, reference: str) -> str:
        """Return under which key a model is kept: its name, where that is loaded in the version asked for."""
        name, _, version = reference.partition(VERSION_SIGN)
        known = self._loaded.get(name)
        return name if known is not None and version == known.model.card.version else reference

    def _pull_and_load(self, name: str) -> None:
        card = self._catalog.get(name)
        if card.is_carried:
            self._store.pull(card)
        self.get(name)

    def get(self, name: str) -> Model:
        """Return a warm model by name or `name@version`.

        Raises UnknownModel, ModelUnavailable or ModelCorrupt.
        """
        key = self._key(name)
        known = self._loaded.get(key)
        if known is not None:
            self._used[key] = time.monotonic()
            return known.model
        with self._lock:
            known = self._loaded.get(self._key(name))
            if known is None:
                known = self._load_or_note(self._catalog.get(name))
                self._keep(name, known)
            return known.model

    def _keep(self, name: str, loaded: _Loaded) -> None:
        """Keep a model that was just loaded, and unload others where all are too much."""
        self._loaded[name], self._used[name] = loaded, time.monotonic()
        self._resting.pop(name, None)
        if self._most_bytes is not None:
            self._unload_until(self._most_bytes, besides={name})

    def free(self) -> None:
        """Unload what no job uses now and what is not preloaded: a job has run out of memory."""
        with self._lock:
            self._unload_until(0, besides=set(map(self._key, self._preloaded())))
        give_back()

    def _unload_until(self, most_bytes: int, *, besides: Collection[str]) -> None:
        """Unload idle models until the rest takes no more than `most_bytes`, or none is left."""
        busy = {*besides, *map(self._key, self._in_use())}
        preloaded = set(map(self._key, self._preloaded()))
        idle = [name for name in self._loaded if name not in busy]
        idle.sort(key=lambda name: (name in preloaded, self._used.get(name, 0.0)))
        total = sum(known.bytes for known in self._loaded.values())
        for name in idle:
            if total <= most_bytes:
                return
            total -= self._loaded[name].bytes
            self._unload(name)

    def _unload(self, name: str) -> None:
        known = self._loaded.pop(name)
        loaded = LoadedModel(name, known.model.card.version, known.model.digest)
        self._resting[name] = _Resting(loaded, known.files)
        log.info("model unloaded", extra={"model": name, "mebibytes": known.bytes // (1024 * 1024)})
        del known
        gc.collect()  # graphs of TensorFlow refer to each other in circles
        give_back()

    def _load_or_note(self, card: ModelCard) -> _Loaded:
        mark = self._mark(card)
        try:
            return self._load(card)
        except (ModelUnavailable, ModelCorrupt):
            if mark is not None:
                self._faulty[card.reference] = mark
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
            self._forget_changed()
            wanted = dict.fromkeys([*self._loaded, *self._preloaded()])
            for name in sorted(wanted, key=lambda name: VERSION_SIGN in name):
                try:
                    self._renew(name)
                except Exception as error:  # noqa: BLE001  (any fault of one network)
                    _report("model not renewed", name, error)

    def _forget_changed(self) -> None:
        """Let go of what is known of unloaded models whose files are others now: the next job loads these."""
        for name, known in list(self._resting.items()):
            try:
                is_same = self._files_of(self._catalog.get(name)) == known.files
            except (AtelierError, OSError):
                is_same = False
            if not is_same:
                del self._resting[name]

    def _renew(self, name: str) -> None:
        if self._key(name) != name:  # it has become the current version
            self._loaded.pop(name, None)
            return
        card, known = self._catalog.get(name), self._loaded.get(name)
        if known is None and name in self._resting:
            return  # it comes back when a job wants it
        if known is None or card != known.card or self._files_of(card) != known.files:
            self._keep(name, self._load(card))
        else:
            self._warn_of_changed_source(card)

    def _load(self, card: ModelCard) -> _Loaded:
        started, before = time.monotonic(), resident_bytes()
        files = self._files_of(card)
        model = load_model(card, self._store)
        model.warm_up()
        seconds = round(time.monotonic() - started, 2)
        log.info("model ready", extra={"model": card.name, "version": model.card.version, "seconds": seconds})
        self._warn_of_changed_source(card)
        stored = self._store.find(choose(card, self._store))
        grown = max(0, resident_bytes() - before)  # jobs that run meanwhile count too: it is no exact number
        return _Loaded(card, model, files, max(grown, stored.bytes if stored else 0))

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
        return mark is not None and mark not in self._faulty.values()

    def versions(self) -> tuple[str, ...]:
        """Return the versions of models that the store holds, as `name@version`, for the roster."""
        cards = (card for card in self._catalog.every() if card.is_pinned)
        return tuple(sorted(card.reference for card in cards if self._is_stored(card)))

    def runnable(self) -> frozenset[str]:
        """Return the models that are loaded or can be loaded, by name and by `name@version`.

        As of some seconds ago at most.
        """
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._stored, self._looked = frozenset((*self.available(), *self.versions())), now
        loaded = self._loaded.copy()
        cards = (known.model.card for known in loaded.values())
        return self._stored.union(loaded, (f"{card.name}@{card.version}" for card in cards))

    def loaded(self) -> tuple[LoadedModel, ...]:
        """Return what is loaded, for the roster; also what was unloaded for its memory and comes back."""
        found = {name: known.model for name, known in self._resting.copy().items()}
        for name, known in self._loaded.copy().items():
            found[name] = LoadedModel(name, known.model.card.version, known.model.digest)
        return tuple(model for _, model in sorted(found.items()))


def _report(what: str, name: str, error: Exception) -> None:
    if isinstance(error, AtelierError):
        log.warning(what, extra={"model": name, "code": error.code, "detail": error.whole})
    else:
        log.warning(what, extra={"model": name, "detail": repr(error)}, exc_info=error)
