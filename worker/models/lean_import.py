"""TensorFlow imported without what a worker does not use: 40 % of the processor time, 130 MiB less.

`import tensorflow` also executes Keras, with what that draws with, Keras' predecessor, converters for phones
and the names of the first version. Here the packages that hold TensorFlow's public names are executed when
they are first used, and its internals by the code that needs them; Keras is imported by those who import it.
"""

import gc
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_NAMES = "tensorflow._api.v2"  # each package in it is what `tf.NAME` is
_KERAS = ("keras", "tf_keras")  # TensorFlow goes on without, as where it is not installed

_pending: dict[str, Loader] = {}  # of the packages that were not executed yet, by name
_public: dict[
    str, ModuleType
] = {}  # what each name of `tf` means; a folder of its own may have the same name
_lock = threading.RLock()


def import_lean() -> None:
    """Import TensorFlow, for running networks; nothing where it is imported already."""
    if "tensorflow" in sys.modules:
        return
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    gc.disable()  # what is imported stays: each search for garbage would look through all of it
    try:
        names = vars(import_module("tensorflow"))
    finally:
        gc.enable()
        sys.meta_path.remove(finder)
    _public.update((name, value) for name, value in names.items() if isinstance(value, _Later))


def complete_import() -> None:
    """Execute what `import_lean` left out.

    To be called before gradients, training, and before networks of others: their files may name any of it.
    """
    for name in list(_pending):
        _execute(sys.modules[name])
    import_module("keras.src.optimizers")  # as TensorFlow does, for what it registers


class _Later(ModuleType):
    """A module that is executed at the first look for a name that it lacks, once, in whichever thread."""

    def __getattr__(self, name: str) -> Any:
        _execute(self)
        return ModuleType.__getattribute__(self, name)


def _execute(module: ModuleType) -> None:
    with _lock:  # others wait here; the thread that executes finds nothing to do, as in any circle of imports
        loader = _pending.pop(module.__name__, None)
        if loader is None:
            return
        try:
            loader.exec_module(module)
        except BaseException:
            _pending[module.__name__] = loader
            raise
        module.__class__ = ModuleType
        vars(sys.modules["tensorflow"]).update(_public)  # it may have imported such a folder


class _LaterLoader(Loader):
    """Makes a module, and leaves it to be executed later."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module, still empty."""
        return _Later(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Note who is to execute it."""
        _pending[module.__name__] = self._loader


class _NoLoader(Loader):
    """Refuses to load what can be found."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Raise ImportError, for which TensorFlow is prepared."""
        raise ImportError(f"{spec.name} is not imported with TensorFlow", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Never called."""


class _Finder(MetaPathFinder):
    """Finds everything as usual, and has some of it loaded otherwise."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a package that is for later, or for others; None leaves it to the usual ones."""
        if fullname not in _KERAS and fullname.rpartition(".")[0] != _NAMES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _NoLoader() if fullname in _KERAS else _LaterLoader(spec.loader)
        return spec
