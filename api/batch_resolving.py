"""The last step before items are accepted: what the batch says of them, defaults and seeds filled in."""

import hashlib
from collections.abc import Iterable, Iterator

from api.batch_items import Item
from api.validation import Spec
from shared.batch_request import BatchSettings
from shared.result_size import count_of
from shared.spec_parts import MAX_SEED
from shared.specs import GenerateSpec, filled


def resolved(
    items: Iterable[Item], settings: BatchSettings, *, batch_id: str, first: int
) -> Iterator[tuple[Item, Spec]]:
    """Yield each item with its resolved specification. The request's first item has the index `first`.

    A seed that the client leaves open comes from the batch's id and the item's index, so that items sent
    again, after an answer was lost, are the same items.
    """
    for item in items:
        index = first + item.position
        update = _of_batch(item.spec, settings)
        if isinstance(item.spec, GenerateSpec) and _draws_seed(item.spec):
            update["seed"] = drawn_seed(batch_id, index, count_of(item.spec, item.card))
        yield item, filled(item.spec.model_copy(update=update), item.card)


def drawn_seed(batch_id: str, index: int, count: int) -> int:
    """Return the first of `count` seeds of an item that names none."""
    digest = hashlib.sha256(f"{batch_id}:{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (MAX_SEED - count)


def _of_batch(spec: Spec, settings: BatchSettings) -> dict[str, object]:
    given = spec.model_fields_set
    update: dict[str, object] = {"lane": settings.lane, "ttl_seconds": settings.ttl_seconds}
    if spec.deadline_seconds is None:
        update["deadline_seconds"] = settings.deadline_seconds
    if "cache" in type(spec).model_fields and "cache" not in given:
        update["cache"] = settings.cache
    return update


def _draws_seed(spec: GenerateSpec) -> bool:
    return all(value is None for value in (spec.seed, spec.seeds, spec.latents, spec.interpolate))
