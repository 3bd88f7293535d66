"""The model store: one checked folder a model and version; workers load from it and from nowhere else.

`<root>/<name>/<version>/` holds the model's files and `manifest.json`. A folder appears there whole and
checked, by one rename, or not at all.
"""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.cards.card import ModelCard
from shared.errors import ModelCorrupt, ModelUnavailable
from shared.private_files import close_tree, make_folder, open_private
from shared.storage.places import refuse_place, require_folder
from worker.models.files.manifest import (
    MANIFEST_FILE,
    StoredModel,
    check_files,
    fsync,
    fsync_tree,
    make_manifest,
    read_manifest,
    write_manifest,
)
from worker.models.sources import OnStep, PullStep, fetch


class ModelStore:
    """Models on local disk; any number of processes may read and pull at once."""

    def __init__(self, root: Path, prebuilt: "Callable[[], ModelStore | None]" = lambda: None) -> None:
        """Models that the store of `prebuilt` holds are copied from there, where they would be built."""
        self._root = root
        self._prebuilt = prebuilt

    def adopt(self, card: ModelCard) -> bool:
        """Whether the store holds a good copy, or could take one from those exported before; builds none."""
        return bool(self._intact(card) or (self._exported(card) and self.pull(card)))

    def _exported(self, card: ModelCard) -> StoredModel | None:
        store = self._prebuilt()
        return None if store is None else store._intact(card)

    def pull(
        self, card: ModelCard, on_step: OnStep = lambda _: None, *, replace: bool = False
    ) -> StoredModel:
        """Pull a model into the store and return it; does nothing when a good copy is there.

        A damaged copy, or one from another source than the card's, is replaced; with `replace` any. Of
        several pulls at once one works and the others wait for it. ModelUnavailable or ModelCorrupt when the
        source fails; the store is then as it was. SettingsError where the store's folder cannot be written.
        """
        if replace:
            return ModelStore(self._root)._locked_pull(card, on_step, lambda: None)
        present = self._intact(card)  # before the lock: the store may be mounted read-only
        return present or self._locked_pull(card, on_step, lambda: self._intact(card))

    def _locked_pull(
        self, card: ModelCard, on_step: OnStep, present: Callable[[], StoredModel | None]
    ) -> StoredModel:
        if not self._root.is_dir():
            require_folder("ATELIER_MODELS_DIR", self._root)
        try:
            with self._lock(card):
                return present() or self._pull(card, on_step)
        except OSError as error:
            refuse_place("ATELIER_MODELS_DIR", self._root, error)
            raise ModelUnavailable(
                f"model {card.name} cannot be pulled into {self._root}: {error}"
            ) from error

    def find(self, card: ModelCard) -> StoredModel | None:
        """Return the stored model, its files unchecked; None when there is none from this source."""
        folder = self._folder(card)
        try:
            is_stored = (folder / MANIFEST_FILE).is_file()
        except OSError as error:
            text = f"the folder of {card.name} cannot be looked at"
            raise ModelCorrupt(text, inside=f"{folder}: {error.strerror}") from error
        if not is_stored:
            return None
        manifest = read_manifest(folder)
        return StoredModel(folder, manifest) if manifest.source == card.source.model_dump() else None

    def open(self, card: ModelCard) -> StoredModel:
        """Return the stored model, every file checked; ModelUnavailable or ModelCorrupt says what to run."""
        found = self.find(card)
        if found is None:
            raise ModelUnavailable(
                f"model {card.name} {card.version} is not in the model store; "
                f"run `atelier models pull {card.name}`",
                inside=f"the store is {self._root}",
            )
        check_files(found.folder, found.manifest)
        return found

    def verify(self, card: ModelCard) -> StoredModel:
        """Check every file against its checksum, as `open` does; ModelCorrupt names the first bad one."""
        return self.open(card)

    def list(self) -> tuple[StoredModel, ...]:
        """Return the stored models by name and version, files unchecked; unreadable ones are left out."""
        models = []
        for path in sorted(self._root.glob(f"*/*/{MANIFEST_FILE}")):
            with contextlib.suppress(ModelCorrupt):
                models.append(StoredModel(path.parent, read_manifest(path.parent)))
        return tuple(models)

    def _intact(self, card: ModelCard) -> StoredModel | None:
        with contextlib.suppress(ModelUnavailable, ModelCorrupt):
            return self.open(card)
        return None

    def _pull(self, card: ModelCard, on_step: OnStep) -> StoredModel:
        target = self._folder(card)
        # Beside the target, so that the rename stays within one file system; the dot hides it from `list`.
        with _workplace(target.parent, f".{target.name}.pull-") as workplace:
            folder = self._copy(card, workplace, on_step) or fetch(card, workplace, on_step)
            manifest = make_manifest(card, folder, _count_bytes(folder, on_step))
            write_manifest(folder, manifest)
            close_tree(folder)
            fsync_tree(folder)
            if target.exists():
                target.rename(workplace / "replaced")
            folder.rename(target)
            fsync(target.parent)
        return StoredModel(target, manifest)

    def _copy(self, card: ModelCard, workplace: Path, on_step: OnStep) -> Path | None:
        """Return a folder inside `workplace` with the files exported before; None where they are not good."""
        found = self._exported(card)
        if found is None:
            return None
        on_step(PullStep("copy"))
        folder = workplace / "model"
        shutil.copytree(found.folder, folder, ignore=shutil.ignore_patterns(MANIFEST_FILE))
        return folder

    def _folder(self, card: ModelCard) -> Path:
        return self._root / card.name / card.version

    @contextmanager
    def _lock(self, card: ModelCard) -> Iterator[None]:
        """Keep other pulls of this model out, in any process; a killed holder lets go."""
        parent = self._folder(card).parent
        make_folder(parent)
        with open_private(parent / f".{card.version}.lock", "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextmanager
def _workplace(parent: Path, prefix: str) -> Iterator[Path]:
    """Yield a private folder; all that is left in it, and in those of killed pulls, is removed."""
    for stale in parent.glob(f"{prefix}*"):
        shutil.rmtree(stale, ignore_errors=True)
    workplace = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield workplace
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _count_bytes(folder: Path, on_step: OnStep) -> Callable[[int], None]:
    """Return what adds up bytes read and reports them."""
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        on_step(PullStep("check", done, total))

    return count
