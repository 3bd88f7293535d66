"""Batches from and to places: what is made of each picture there, and which places a request may name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from api.audit import audit
from api.batches.sources import TemplateSource
from api.native_threads import in_native_thread
from api.services import Services
from shared.audit import Event
from shared.batches.batch import Batch
from shared.batches.template import combinations, place_of, style_label
from shared.errors import IllegalMove, InvalidRequest, StorageUnavailable
from shared.identifiers import file_id
from shared.places.catalog import Places, matching
from shared.places.request import Source
from shared.specs.parts import output_in
from shared.specs.spec import SPECS, JobSpec

if TYPE_CHECKING:
    from api.batches.body import SentBatch

PLACEHOLDER = file_id("0" * 64)  # stands for the picture in what is made of each
MAX_TEMPLATES = 1000  # items of one picture
MAX_TEMPLATE_BYTES = 8 * 1024 * 1024  # of all of these as JSON: every step of the io worker reads them
_READERS = tuple(name for name, spec in SPECS.items() if "content" in spec.model_fields)


class PlacedTemplate(TemplateSource):
    """A template whose content is each picture of a place, with lists of values for its other fields."""

    def __init__(self, template: dict[str, Any]) -> None:
        _check_content(template)
        super().__init__({**template, "content": PLACEHOLDER}, may_be_one=True)
        if self.count > MAX_TEMPLATES:
            text = f"multiply makes {self.count} items of each picture; with a source {MAX_TEMPLATES} at most"
            raise InvalidRequest.of_field("/template/multiply", text)

    def kept(self, specs: Sequence[JobSpec]) -> tuple[str, ...]:
        """Return what a batch keeps of it, given the resolved specifications in their order.

        Raises InvalidRequest where that is too much.
        """
        made = zip(combinations(self._axes, self._mode), specs, strict=True)
        texts = tuple(
            to_json(
                {
                    "label": combination.custom_id.partition("-")[2],
                    "style": self._style(number),
                    "spec": spec.model_dump(mode="json", exclude_none=True),
                }
            ).decode()
            for number, (combination, spec) in enumerate(made)
        )
        if sum(map(len, texts)) > MAX_TEMPLATE_BYTES:
            text = (
                f"template: what is made of each picture takes more than {MAX_TEMPLATE_BYTES} bytes as JSON"
            )
            raise InvalidRequest.of_field("/template", text)
        return texts

    def _style(self, number: int) -> str:
        styles = self._multiply.style if self._multiply else None
        if not styles:
            return ""
        place = place_of(self._axes, self._mode, number)["style"]
        return style_label(styles[place], place)


def _check_content(template: dict[str, Any]) -> None:
    multiply = template.get("multiply")
    inner = multiply if isinstance(multiply, dict) else {}
    for pointer, fields in (("/template", template), ("/template/multiply", inner)):
        if "content" in fields:
            text = "content comes from the source; leave it out of the template"
            raise InvalidRequest.of_field(f"{pointer}/content", text)
    kind = template.get("type")
    if kind in SPECS and kind not in _READERS:
        text = f"type: a {kind} job takes no pictures of a source; those that do: {', '.join(_READERS)}"
        raise InvalidRequest.of_field("/template/type", text)


def inputs_of(specs: Sequence[JobSpec]) -> tuple[str, ...]:
    """Return the ids of the files that all pictures' items read, beside the pictures themselves."""
    names = dict.fromkeys(name for spec in specs for name in spec.inputs)
    return tuple(name for name in names if name != PLACEHOLDER and output_in(name) is None)


def check_places(services: Services, sent: "SentBatch", owner: str, *, is_trial: bool = False) -> None:
    """Raise InvalidRequest, and note it for the audit, where a batch's owner may not use a place so."""
    places = Places(services.settings.place_rules)
    destination = sent.settings.destination
    try:
        if sent.place is not None:
            places.check(sent.place.place, owner, "read", "/source/place")
        if destination is not None:
            places.check(destination.place, owner, "write", "/destination/place")
    except InvalidRequest as error:
        if not is_trial:
            audit(Event.PLACE_REFUSED, reason=error.detail)
        raise


def audit_places(batch: Batch) -> None:
    """Note which places a new batch reads and writes."""
    if batch.reading or batch.delivering:
        source = batch.reading.source.place if batch.reading else ""
        destination = batch.delivering.destination.place if batch.delivering else ""
        audit(Event.PLACES_USED, batch_id=batch.id, source=source, destination=destination)


def count_pictures(services: Services, sent: "SentBatch", owner: str) -> int:
    """Return how many names of the source match; raise StorageUnavailable, or InvalidRequest for too many."""
    source, limit = sent.place, services.settings.batches.max_items
    most = limit // sent.source.count
    assert source is not None, "only asked of a batch with a source"
    try:
        count = in_native_thread(_count, services, source, owner, most)
    except StorageUnavailable as error:
        text = f"source: the place {source.place} does not answer"
        raise StorageUnavailable(text, inside=error.inside) from error
    if count > most:
        text = f"source: more than {most} pictures match; a batch may have {limit} items"
        raise InvalidRequest.of_field("/source", text)
    return count


def _count(services: Services, source: Source, owner: str, most: int) -> int:
    settings = services.settings
    objects = Places(settings.place_rules, settings.bucket.ca_file).open(source.place, owner, "read")
    count = 0
    for _ in matching(objects, source):
        count += 1
        if count > most:
            break
    return count


def refuse_from_place(batch: Batch) -> None:
    """Raise IllegalMove for a batch whose items come from a place, and are not sent."""
    if batch.reading is not None:
        raise IllegalMove("the items of this batch come from its source; it is closed when all are taken")
