"""Read pictures as the API and the workers do, in a process that may neither grow nor compute without end."""

import logging
import resource
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from shared.errors import AtelierError
from shared.images.limits import ImageLimits, check_frames
from shared.images.probe import probe
from shared.setting_groups import Limits
from shared.specs.working_size import Size
from worker.codec.animation import decode_frames
from worker.codec.decode import decode
from worker.memory import share_heaps, take_pictures_whole

MOST_MEBIBYTES = 1200
MOST_SECONDS = 5  # of the processor
_SPARE_SECONDS = 3  # until the system ends a process that does not end by itself
SMALL = 256  # pixels, of a result for which a picture is reduced while it is decoded
MEBIBYTE = 1024 * 1024
# What a picture may be answered with; out_of_memory is none of them, as a picture must not take that much.
DOCUMENTED = frozenset(
    {"corrupt_image", "unsupported_image_format", "image_too_large", "image_too_small", "too_many_frames",
     "body_too_large"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """How a picture came out."""

    outcome: str  # "picture", "animation" or the code of an error
    fault: str = ""  # an exception that is none of ours
    mebibytes: float = 0.0  # resident at the peak
    seconds: float = 0.0  # of the processor


def serve(connection: Connection) -> None:
    """Read picture after picture until the other side is gone."""
    logging.disable()  # a color profile that is passed over is told in the log
    share_heaps()
    take_pictures_whole()
    _bound_memory()
    while True:
        try:
            data = connection.recv_bytes()
        except EOFError:
            return
        connection.send(_measured(data))


def _bound_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + 2 * MOST_MEBIBYTES * MEBIBYTE  # reserved is not resident
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _measured(data: bytes) -> Reading:
    began = time.process_time()
    resource.setrlimit(
        resource.RLIMIT_CPU, (int(began) + MOST_SECONDS + _SPARE_SECONDS, resource.RLIM_INFINITY)
    )
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins here
    outcome, fault = read(data)
    return Reading(outcome, fault, _peak_mebibytes(), time.process_time() - began)


def _peak_mebibytes() -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def read(data: bytes) -> tuple[str, str]:
    """Return the outcome of a file, and what is wrong with it, or "".

    The API probes it; a worker decodes it as content, whole or frame by frame, and small as a style.
    """
    limits = ImageLimits.of(Limits())
    try:
        info = probe(data, limits, field="/content")
        decode(data, limits, field="/style", enough=_small)
        picture = decode(data, limits, field="/content")
        if picture.rgb.shape != (info.height, info.width, 3):
            return (
                "picture",
                f"the header says {info.width} x {info.height}, the pixels are {picture.rgb.shape}",
            )
        if info.frames == 1:
            return "picture", ""
        check_frames((info.width, info.height), info.frames, limits)
        frames = decode_frames(data, limits, field="/content")
        shapes = {frame.rgb.shape[:2] for frame in frames}
        fault = "" if shapes == {(info.height, info.width)} else f"frames of {shapes}"
        return "animation", fault or (
            "" if len(frames) == info.frames else f"{len(frames)} frames of {info.frames}"
        )
    except AtelierError as error:
        return error.code, "" if error.code in DOCUMENTED else f"{error.code}: {error.detail}"
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        return "exception", f"{type(error).__name__}: {error}"


def _small(size: Size) -> Size:
    share = min(1.0, SMALL / max(size))
    return tuple(max(1, round(side * share)) for side in size)  # type: ignore[return-value]
