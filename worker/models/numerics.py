"""The numerics of a worker: a short text that stands for all that decides the last bits of its results.

Two workers of one numerics make the same bytes of the same specification. Its words are for people; its last
part is a digest of the rest: the processor's family and caches, versions of libraries, threads.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from shared.identifiers import sha256
from worker.models.processor import Processor, available_cores, this_processor
from worker.models.runtime import ONEDNN, tensorflow_release

_LIBRARIES = ("numpy", "pillow", "zlib-ng", "pi-heif")
_CHOSEN = {"1": True, "true": True, "0": False, "false": False}  # as TensorFlow reads a variable, in any case
_DIGEST_CHARACTERS = 6
# Instructions with which TensorFlow takes oneDNN's kernels unless it is told.
_ONEDNN_BY_DEFAULT = frozenset({"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_bf16"})
# Flags of instructions that compute; what else there is differs among virtual machines of one processor.
_COMPUTING = re.compile("ss?se|avx|fma|f16c|amx|asimd|sve|sme|bf16|i8mm")
# Variables of an operator that change what kernels compute.
_TELLING = re.compile(r"(TF_)?(ONEDNN|SET_ONEDNN|DNNL|OPENBLAS|XLA|CUDNN|DETERMINISTIC|NVIDIA_TF32)_\w+")


@dataclass(frozen=True, slots=True)
class Found:
    """What a process finds out about itself."""

    processor: Processor
    onednn: bool  # which of TensorFlow's kernels compute
    threads: int  # within one call
    libraries: Mapping[str, str]  # versions
    gpus: tuple[str, ...] = ()  # what each is, with what its kernels are made for
    variables: Mapping[str, str] | None = None  # those that change what kernels compute


@dataclass(frozen=True, slots=True)
class Numerics:
    """What decides the last bits of a process's results."""

    id: str  # of workers that make the same bytes
    has_fast: bool = False  # whether its kernels gain by bfloat16 numbers


NO_NUMERICS = Numerics("")  # of a process that does not tell


def numerics_of(found: Found) -> Numerics:
    """Return the numerics: `cpu-avx512bf16-onednn-tf2.21.0-1a2b3c`."""
    details = [
        found.processor.name,
        sorted(filter(_COMPUTING.match, found.processor.flags)),
        found.processor.caches,
        found.threads,
        sorted(found.libraries.items()),
        found.gpus,
        sorted((found.variables or {}).items()),
    ]
    digest = sha256(json.dumps(details).encode())[:_DIGEST_CHARACTERS]
    device = _slug(found.gpus[0].partition(",")[0]) if found.gpus else "cpu"
    kernels = "onednn" if found.onednn else "plain"
    words = (device, found.processor.instructions, kernels, f"tf{found.libraries['tensorflow']}", digest)
    return Numerics("-".join(words), found.onednn and found.processor.has_bfloat16 and not found.gpus)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower()) or "gpu"


@cache
def own_numerics() -> Numerics:
    """Return this process's numerics. TensorFlow is configured before: its settings are read."""
    import tensorflow as tf

    processor = this_processor()
    return numerics_of(
        Found(
            processor,
            onednn=uses_onednn(os.environ, processor),
            threads=tf.config.threading.get_intra_op_parallelism_threads() or available_cores(),
            libraries={"tensorflow": tensorflow_release(), **{name: version(name) for name in _LIBRARIES}},
            gpus=tuple(_gpus(tf)),
            variables={name: value for name, value in os.environ.items() if _TELLING.fullmatch(name)},
        )
    )


def uses_onednn(environ: Mapping[str, str], processor: Processor) -> bool:
    """Whether TensorFlow, started in this environment, computes with oneDNN's kernels."""
    if sys.platform == "darwin":  # made without
        return False
    chosen = _CHOSEN.get(environ.get(ONEDNN, "").lower())
    return bool(processor.flags & _ONEDNN_BY_DEFAULT) if chosen is None else chosen


def _gpus(tf: object) -> Sequence[str]:
    config = tf.config  # type: ignore[attr-defined]
    details = [config.experimental.get_device_details(gpu) for gpu in config.list_physical_devices("GPU")]
    build = tf.sysconfig.get_build_info() if details else {}  # type: ignore[attr-defined]
    libraries = [str(build.get(name)) for name in ("cuda_version", "cudnn_version")]
    return [
        ", ".join([str(each.get("device_name", "gpu")), str(each.get("compute_capability")), *libraries])
        for each in details
    ]
