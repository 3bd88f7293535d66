"""Validates the items of a request and finds every fault. It stores nothing."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from api.batches.faults import Faults
from api.batches.sources import Source, Unreadable
from api.jobs.recipes import Recipes
from api.requests.field_errors import parse_spec
from api.server.threads import ThreadYielder
from shared.batches.request import CUSTOM_ID, BatchSettings
from shared.cards.card import Catalog, ModelCard
from shared.errors import AtelierError, FieldError, InvalidRequest, StoreUnavailable, UnknownModel
from shared.setting_groups import OutputRules
from shared.specs.parts import MAX_SEED
from shared.specs.spec import JOB_SPEC, JobSpec, card_of

_OF_BATCH = frozenset({"lane", "ttl_seconds"})  # an item may repeat the batch's value, but not change it
_CUSTOM_ID = re.compile(CUSTOM_ID)
_OUTPUT = OutputRules()
_ID_RULE = "custom_id: 1 to 64 characters, none of them a control character"


@dataclass(frozen=True, slots=True)
class Item:
    """One valid item. Defaults, seeds and the pictures of named styles are not filled in yet."""

    position: int  # in the request
    custom_id: str
    spec: JobSpec
    card: ModelCard


class Cards:
    """The model cards for the jobs of one request; each is looked up once."""

    def __init__(
        self,
        catalog: Catalog,
        fault: Callable[[JobSpec, ModelCard], AtelierError | None] = lambda _, __: None,
        choose: Callable[[JobSpec, ModelCard, str], ModelCard] = lambda _, card, __: card,
    ) -> None:
        self.catalog = catalog
        self.fault = fault  # returns why a job's models are not available
        self.choose = choose  # returns the card of the version by which a job runs; the text tells jobs apart
        self.are_allowed = False  # whether all items were checked against their cards before
        self._known: dict[tuple[str, str | None], ModelCard] = {}

    def of(self, spec: JobSpec) -> ModelCard:
        """Return the card of a job's model; raise UnknownModel."""
        name = (spec.type, spec.model)
        if name not in self._known:
            self._known[name] = card_of(spec, self.catalog)
        return self._known[name]


def sound_items(
    source: Source,
    settings: BatchSettings,
    cards: Cards,
    *,
    first: int,
    faults: Faults,
    recipes: Recipes | None = None,
) -> Iterator[Item]:
    """Yield the valid items; record the faults of the others. `first` is the index of the first item.

    Only the custom id of each item stays in memory.
    """
    places: dict[str, int] = {}  # position by custom id
    give_way = ThreadYielder()
    for position, raw in enumerate(source.values()):
        item = _item(position, raw, cards, str(first + position), faults, recipes)
        give_way()
        if item is None:
            continue
        known = places.setdefault(item.custom_id, position)
        if known != position:
            text = f"custom_id {item.custom_id!r} is that of item {known} as well"
            faults.add(position, [FieldError("/custom_id", text, "duplicate")], InvalidRequest)
        settings_faults = list(_of_batch(item.spec, settings))
        if settings_faults:
            faults.add(position, settings_faults, InvalidRequest)
        yield item


def _item(
    position: int, raw: Any, cards: Cards, index: str, faults: Faults, recipes: Recipes | None
) -> Item | None:
    if isinstance(raw, Unreadable):
        faults.add(position, [raw.fault], InvalidRequest)
        return None
    custom_id, raw = _custom_id(raw, index)
    if custom_id is None:
        faults.add(position, [FieldError("/custom_id", _ID_RULE, "invalid_format")], InvalidRequest)
    spec = _spec(position, raw, cards.catalog, faults, recipes)
    card = None if spec is None else _card(position, spec, cards, faults)
    if custom_id is None or spec is None or card is None:
        return None
    return Item(position, custom_id, spec, cards.choose(spec, card, index))


def _custom_id(raw: Any, index: str) -> tuple[str | None, Any]:
    """Return the item's custom id, or None if it is invalid, and the job without the custom id."""
    if not isinstance(raw, dict) or "custom_id" not in raw:
        return index, raw
    given = raw["custom_id"]
    sound = given if isinstance(given, str) and _CUSTOM_ID.fullmatch(given) else None
    return index if given is None else sound, {name: raw[name] for name in raw if name != "custom_id"}


def _spec(
    position: int, raw: Any, catalog: Catalog, faults: Faults, recipes: Recipes | None
) -> JobSpec | None:
    try:
        raw = raw if recipes is None else recipes.applied(raw)
    except AtelierError as error:
        if isinstance(error, StoreUnavailable):
            raise
        faults.note(position, error)
        return None
    try:
        return JOB_SPEC.validate_python(raw)
    except ValidationError:
        pass
    if faults.full:
        faults.add(position, [], InvalidRequest)
        return None
    try:
        parse_spec(raw, catalog)
    except AtelierError as error:
        faults.note(position, error)
    return None


def _card(position: int, spec: JobSpec, cards: Cards, faults: Faults) -> ModelCard | None:
    try:
        card = cards.of(spec)
    except UnknownModel as error:
        faults.note(position, error)
        return None
    if cards.are_allowed:
        return card
    outside, absent = list(spec.range_faults(card)), cards.fault(spec, card)
    if outside:
        faults.add(position, outside, InvalidRequest)
    if absent:
        faults.note(position, absent)
    return None if outside or absent else card


def _of_batch(spec: JobSpec, settings: BatchSettings) -> Iterator[FieldError]:
    if "webhook" in spec.model_fields_set and spec.webhook is not None:
        yield FieldError("/webhook", "webhook: an item has none of its own; the batch may", "invalid_value")
    if spec.not_before is not None:
        text = "not_before: an item has none of its own; the batch may"
        yield FieldError("/not_before", text, "invalid_value")
    for name in sorted(_OF_BATCH & spec.model_fields_set):
        if getattr(spec, name) != getattr(settings, name):
            text = f"{name} is the batch's to say, and is {getattr(settings, name)} for all of its items"
            yield FieldError(f"/{name}", text, "invalid_value")


def resolved(
    items: Iterable[Item],
    settings: BatchSettings,
    *,
    batch_id: str,
    first: int,
    output: OutputRules = _OUTPUT,
) -> Iterator[tuple[Item, JobSpec]]:
    """Yield each item with its resolved specification. The request's first item has the index `first`.

    What items do not say of their output is as in `output`.

    If the client gives no seed, it is computed from the batch's id and the item's index. So items that the
    client sends again, after a response was lost, are equal.
    """
    for item in items:
        draw_seed = partial(drawn_seed, batch_id, first + item.position)
        also = _batch_defaults(item.spec, settings)
        also["output"] = item.spec.output.resolved(recipe=output.recipe)
        filled = item.spec.filled(item.card, draw_seed, also)
        yield item, filled.with_precision(item.card, output.precision)


def drawn_seed(batch_id: str, index: int, count: int) -> int:
    """Return the first of `count` seeds for an item without a seed."""
    digest = hashlib.sha256(f"{batch_id}:{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (MAX_SEED - count)


def _batch_defaults(spec: JobSpec, settings: BatchSettings) -> dict[str, object]:
    given = spec.model_fields_set
    update: dict[str, object] = {"lane": settings.lane, "ttl_seconds": settings.ttl_seconds}
    if spec.deadline_seconds is None:
        update["deadline_seconds"] = settings.deadline_seconds
    if "cache" not in given:
        update["cache"] = settings.cache
    return update
