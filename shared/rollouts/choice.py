"""Which version a job gets that names none, and whether a version may take the place of another."""

from collections.abc import Iterator

from shared.cards.card import ModelCard
from shared.errors import FieldError
from shared.identifiers import sha256
from shared.jobs.submission import print_of
from shared.rollouts.store import Rollout
from shared.specs.spec import JobSpec

_PARTS = 2**32  # into which jobs are divided


def gets_new(rollout: Rollout, spec: JobSpec, salt: str) -> bool:
    """Whether a job, not resolved, is of the share that gets the new version.

    Equal jobs are of the same part, so that they have equal results and share them. Those that draw their
    seeds are no equals: `salt` tells them apart. A larger share has all of a smaller one.
    """
    apart = salt if spec.draws_seeds else ""
    digest = sha256(f"{rollout.reference} {print_of(spec)} {apart}".encode())
    return int(digest[:8], 16) < rollout.share * _PARTS


def narrower(current: ModelCard, new: ModelCard) -> Iterator[FieldError]:
    """Yield why a version would refuse jobs that the current one takes; nothing where it takes all."""
    for name, limits in current.parameters.items():
        own = new.parameters.get(name)
        if own is None or own.minimum > limits.minimum or own.maximum < limits.maximum:
            yield _fault(new, f"{name} has a narrower range")
    if new.min_side > current.min_side or new.max_side < current.max_side:
        yield _fault(new, "it takes pictures of fewer sizes")
    for name in ("kind", "latent", "scale", "optimizes", "builtin_styles"):
        if getattr(new, name) != getattr(current, name):
            yield _fault(new, f"{name} differs")
    if current.fast and not new.fast:
        yield _fault(new, "it does not take `precision: fast`")


def _fault(new: ModelCard, why: str) -> FieldError:
    text = f"{new.pinned().reference} cannot be rolled out, as jobs could be refused by chance: {why}"
    return FieldError("/version", text, "invalid_value")
