"""The file of tuned settings: written by `atelier tune`, used by each model worker that starts."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.cards.card import load_catalog
from shared.setting_groups import Kernels
from shared.settings import Settings
from shared.small_file import read_small
from worker.machine import Machine, this_machine, usable_cores
from worker.models.numerics import uses_onednn
from worker.models.processor import this_processor
from worker.models.runtime import ONEDNN, ONEDNN_OF

log = logging.getLogger("atelier.worker")

FOLDER, FILE = "tuning", "settings.json"  # in the state folder; in containers a volume is mounted there
FORM = 1  # of the file; another one is passed over
ALLOCATOR = "TF_CPU_ALLOCATOR_USE_BFC"  # TensorFlow reads it itself
_TRUE = ("1", "true")
_ALLOCATORS = {"bfc": "true", "malloc": "false"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a worker's models."""

    kernels: Kernels
    runners: Annotated[int, Field(ge=1, le=64)]  # threads that run models
    intra_threads: Annotated[int, Field(ge=1, le=256)]  # TensorFlow's threads within one call
    allocator: Literal["bfc", "malloc"]
    photo_batch: Annotated[int, Field(ge=1, le=64)] = 1  # photos of one size in one call, at most

    def makes_bytes_of(self, other: "Candidate") -> bool:
        """Whether both make the same pictures to the last bit: the other settings change none."""
        return (self.kernels, self.intra_threads) == (other.kernels, other.intra_threads)

    def __str__(self) -> str:
        photos = f", {self.photo_batch} photos a call" if self.photo_batch > 1 else ""
        return f"{self.kernels}, {self.runners} x {self.intra_threads} threads, {self.allocator}{photos}"


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found, where, and when."""

    form: int
    at: str  # date and time, UTC
    machine: Machine
    settings: Candidate


_TUNED = TypeAdapter(Tuned)


@dataclass(frozen=True, slots=True)
class Found:
    """The file of tuned settings as it stands to this machine."""

    tuned: Tuned | None  # None where there is no file, or none that can be read
    fault: str = ""  # why the settings are not used, though the file is there

    @property
    def settings(self) -> Candidate | None:
        """The settings, where they hold here."""
        return None if self.fault or self.tuned is None else self.tuned.settings


def tuned_file(settings: Settings) -> Path:
    """Return where an installation keeps its tuned settings."""
    return settings.state_dir.absolute() / FOLDER / FILE


def to_json(tuned: Tuned) -> bytes:
    """Return the file's text."""
    return f"{json.dumps(asdict(tuned), indent=1)}\n".encode()


def find_tuned(settings: Settings) -> Found:
    """Read the file; say whether its settings hold on this machine, and if not, why."""
    path = tuned_file(settings)
    try:
        tuned = _TUNED.validate_json(read_small(path), strict=True)
    except FileNotFoundError:
        return Found(None)
    except OSError as error:
        return Found(None, f"{path} cannot be read: {error.strerror}")
    except ValueError:
        return Found(None, f"{path} holds no tuned settings")
    if tuned.form != FORM:
        return Found(tuned, "they were written by another version of Atelier")
    other = tuned.machine.differences(machine_of(settings))
    return Found(tuned, f"they were measured with other {' and '.join(other)}" if other else "")


def machine_of(settings: Settings) -> Machine:
    """Return the fingerprint of this machine with the models that workers load at their start."""
    cards = load_catalog(settings.cards)
    extra = settings.worker.preloaded
    loaded = [card for card in cards if card.preload or card.default or card.name in extra]
    return this_machine(f"{card.name} {card.version}" for card in loaded)


def with_tuned(settings: Settings) -> Settings:
    """Return the settings of a model worker: tuned where the operator's environment says nothing else.

    Call it before TensorFlow is imported, as the allocator is chosen by the process's environment.
    """
    found = find_tuned(settings)
    if found.fault:
        log.warning("tuned settings are not used; `atelier tune` measures again", extra={"why": found.fault})
    if found.settings is None:
        return settings
    values = asdict(in_force(settings, os.environ))
    set_allocator(values.pop("allocator"))
    log.info("tuned settings are used", extra=values)
    return settings.model_copy(update={"worker": settings.worker.model_copy(update=values)})


def set_allocator(allocator: Literal["bfc", "malloc"]) -> None:
    """Choose the allocator of TensorFlow, unless the environment has."""
    os.environ.setdefault(ALLOCATOR, _ALLOCATORS[allocator])


def pinned(settings: Settings, environ: Mapping[str, str]) -> frozenset[str]:
    """Return which settings the operator's environment has: they win over tuned ones."""
    own = settings.worker.model_fields_set & {"kernels", "runners", "intra_threads", "photo_batch"}
    read_by_tensorflow = {"kernels": ONEDNN, "allocator": ALLOCATOR}
    return frozenset({*own, *(name for name, variable in read_by_tensorflow.items() if variable in environ)})


def untuned(settings: Settings, environ: Mapping[str, str]) -> Candidate:
    """Return how a worker runs without tuned settings: by the environment, else by default."""
    worker = settings.worker
    variables = {ONEDNN: ONEDNN_OF[worker.kernels], **environ}
    return Candidate(
        kernels="onednn" if uses_onednn(variables, this_processor()) else "plain",
        runners=worker.runners or min(usable_cores(), 64),
        intra_threads=worker.intra_threads,
        allocator="bfc" if environ.get(ALLOCATOR, "true").lower() in _TRUE else "malloc",
        photo_batch=worker.photo_batch,
    )


def in_force(settings: Settings, environ: Mapping[str, str]) -> Candidate:
    """Return how a worker runs that starts now."""
    found, plain = find_tuned(settings).settings, untuned(settings, environ)
    own = pinned(settings, environ)
    return plain if found is None else replace(found, **{name: getattr(plain, name) for name in own})
