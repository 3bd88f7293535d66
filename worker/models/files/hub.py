"""TensorFlow Hub: fetches a module by its handle while a model is pulled, and loads SavedModels."""

import http.client
import os
import shutil
import socket
import sys
import tarfile
import tempfile
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import ModelCorrupt, ModelUnavailable
from worker.models.files.manifest import read_manifest
from worker.models.lean_import import complete_import
from worker.models.runtime import import_tensorflow

SAVED_MODEL_FILE = "saved_model.pb"
_CACHE_VARIABLE = "TFHUB_CACHE_DIR"
_SILENCE_SECONDS = 30.0  # without it the hub's client waits forever for a server that sends nothing
_process_wide = threading.Lock()  # guards the environment and the default socket timeout

_DOWNLOAD_ERRORS = (OSError, ValueError, EOFError, http.client.HTTPException, tarfile.TarError, zlib.error)


def fetch_module(handle: str, folder: Path) -> None:
    """Resolve a handle and copy the module into a folder that does not exist yet.

    A filled TFHUB_CACHE_DIR is used as it is. Without the variable the download goes through a private cache
    that is deleted: the hub trusts its default cache under the temp folder forever, even when the system has
    deleted half of it. ModelUnavailable says what to do.
    """
    with _process_wide, _socket_timeout(_SILENCE_SECONDS), _cache() as cache:
        try:
            resolved = Path(_resolve(handle))
        except _DOWNLOAD_ERRORS as error:
            raise _unavailable(handle, f"{type(error).__name__}: {error}") from error
        if not (resolved / SAVED_MODEL_FILE).is_file():
            raise _unavailable(handle, f"{resolved} (cache {cache}) holds no {SAVED_MODEL_FILE}; delete it")
        copy_model(resolved, folder)


def copy_model(source: Path, folder: Path) -> None:
    """Copy a SavedModel into a folder that does not exist yet; raise ModelCorrupt where it holds links.

    A link in a stranger's model would bring any file of this machine into the store.
    """
    _refuse_links(source)
    shutil.copytree(source, folder, symlinks=True)  # what has become a link meanwhile is not followed
    _refuse_links(folder)


def _refuse_links(folder: Path) -> None:
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *files)):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise ModelCorrupt(
                    f"{path} is a link or a device: a model holds files and folders alone. Where you "
                    "trust it, make a copy without links by `cp -RL`"
                )


def load_module(folder: Path) -> Any:
    """Load a SavedModel folder; raise ModelCorrupt when TensorFlow cannot read it."""
    import_tensorflow()
    import tensorflow as tf

    try:
        if _is_own(folder):
            return tf.saved_model.load(str(folder))
        complete_import()
        return _tensorflow_hub().load(str(folder))
    except (tf.errors.OpError, OSError, ValueError) as error:
        raise ModelCorrupt("TensorFlow cannot load the model", inside=f"{folder}: {error}") from error


def _is_own(folder: Path) -> bool:
    """Whether Atelier wrote the SavedModel: it needs nothing of the hub, which costs a second to import."""
    try:
        return read_manifest(folder).source.get("type") == "builtin"
    except ModelCorrupt:
        return False


def _resolve(handle: str) -> str:
    import_tensorflow()
    import tensorflow as tf

    hub = _tensorflow_hub()
    try:
        return str(hub.resolve(handle))
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def _tensorflow_hub() -> Any:
    with warnings.catch_warnings(), _no_second_keras():
        # tensorflow_hub 0.16.1 still needs pkg_resources, which setuptools < 81 ships with a warning.
        warnings.filterwarnings("ignore", message="pkg_resources is deprecated as an API")
        warnings.filterwarnings("ignore", message="Deprecated call to `pkg_resources.declare_namespace")
        import tensorflow_hub
    return tensorflow_hub


@contextmanager
def _no_second_keras() -> Iterator[None]:
    """Let tensorflow_hub build its KerasLayer on the loaded Keras: Keras 2 would cost 27 MiB and a second.

    Nothing here uses that layer, which works with Keras 2 alone.
    """
    import keras

    if "tf_keras" in sys.modules:
        yield
        return
    sys.modules["tf_keras"] = keras
    try:
        yield
    finally:
        del sys.modules["tf_keras"]


def _unavailable(handle: str, cause: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"TensorFlow Hub did not give {handle} ({cause}). Pull it where the hub can be reached, or fill "
        f"{_CACHE_VARIABLE} with a copy, or write a card whose source is the folder of a SavedModel"
    )


@contextmanager
def _cache() -> Iterator[str]:
    """Yield the hub's cache folder: the operator's, or one that is deleted after the block."""
    given = os.environ.get(_CACHE_VARIABLE)
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="atelier-hub-") as private:
        os.environ[_CACHE_VARIABLE] = private
        try:
            yield private
        finally:
            del os.environ[_CACHE_VARIABLE]


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
