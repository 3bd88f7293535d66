"""How TensorFlow is started in this process: threads, allocator, quiet logs; call it before its first use."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shared.errors import OutOfMemory
from shared.setting_groups import Kernels
from worker.models.lean_import import import_lean

# Measured on CPU at 1024 x 1024: the BFC allocator saves the page faults of malloc (716 to 597 ms a
# picture). The operator's own environment wins.
_ENVIRONMENT = {"TF_CPU_ALLOCATOR_USE_BFC": "true"}
# Which kernels are faster depends on the processor: without AVX-512, oneDNN's lose to the plain ones on these
# narrow networks.
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
ONEDNN_OF: Mapping[Kernels, str] = {"plain": "0", "onednn": "1"}
# TensorFlow writes these as its libraries are loaded, before any of its settings for logs holds. Control
# characters are escaped: other lines may quote names out of a model's file.
_FILTER = """
import sys
noise = (b"I0000 ", b"WARNING: All log messages before absl::", b"To enable the following instructions:")
for line in sys.stdin.buffer:
    if not line.startswith(noise):
        text = line.decode("utf-8", "backslashreplace").rstrip("\\r\\n")
        sys.stderr.write("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text) + "\\n")
        sys.stderr.flush()
"""
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg")  # Linux, and Windows' subsystem for it


def configure_tensorflow(
    intra_threads: int, inter_threads: int, kernels: Kernels = "plain", *, lean: bool = False
) -> None:
    """Set the number of threads inside one operation and between operations, and take GPU memory as needed.

    0 lets TensorFlow choose. Calling it again with the same numbers is fine; RuntimeError when TensorFlow
    already runs with others, as it cannot change them. Kernels are chosen with the first call alone. A `lean`
    import is for running networks.
    """
    import_tensorflow(kernels, lean=lean)
    import tensorflow as tf

    wanted = (intra_threads, inter_threads)
    threading = tf.config.threading
    current = (threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads())
    if current != wanted:
        threading.set_intra_op_parallelism_threads(intra_threads)
        threading.set_inter_op_parallelism_threads(inter_threads)
    _grow_gpu_memory_on_demand()


def import_tensorflow(kernels: Kernels = "plain", *, lean: bool = False) -> None:
    """Import TensorFlow for the first time: with this process's settings, and without its noise.

    If `lean`, without what running networks does not use; see `lean_import`.
    """
    if "tensorflow" in sys.modules:  # too late: it reads the environment as it is imported
        return
    _prepare_environment(kernels)
    with quiet():
        if lean:
            import_lean()
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")  # looks for the drivers, and complains where there are none


@contextmanager
def quiet() -> Iterator[None]:
    """Keep TensorFlow's noise off the standard error while the block runs; everything else is passed on.

    Another process filters, so that the last lines of a process that dies are passed on too.
    """
    reader, writer = os.pipe()
    command = [sys.executable, "-I", "-S", "-c", _FILTER]
    with subprocess.Popen(command, stdin=reader, start_new_session=True):
        os.close(reader)
        kept = os.dup(2)
        os.dup2(writer, 2)
        os.close(writer)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Raise OutOfMemory where memory runs out; `what` says for what, as in "to paint a picture"."""
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OutOfMemory(f"there was no memory {what}") from error


def has_gpu() -> bool:
    """Whether this machine has a GPU that TensorFlow could use, told without TensorFlow."""
    return any(Path(device).exists() for device in _GPU_DEVICES)


def _prepare_environment(kernels: Kernels) -> None:
    # Without a GPU it logs a failed search for one as an error; what matters it raises anyhow.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if has_gpu() else "3")
    for name, value in {**_ENVIRONMENT, ONEDNN: ONEDNN_OF[kernels]}.items():
        os.environ.setdefault(name, value)


def _grow_gpu_memory_on_demand() -> None:
    import tensorflow as tf

    for device in tf.config.list_physical_devices("GPU"):
        if not tf.config.experimental.get_memory_growth(device):
            tf.config.experimental.set_memory_growth(device, True)
