"""What a restore takes: records of the kinds that a backup copies, as Atelier can have written them.

A backup that somebody crafted must not plant a secret, a page in place of a picture, or an entry of a queue.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from atelier.backup.batch_sources import check_listing, check_templates
from shared.backup.record_copy import RecordCopy
from shared.backup.snapshot import objects_of
from shared.batches.batch import batch_from_record
from shared.batches.sharing import DIGEST_CHARACTERS
from shared.errors import AtelierError
from shared.identifiers import JOB_ID, sha256
from shared.jobs.job import Job
from shared.jobs.record import PART, job_from_record, unpacked
from shared.owners.usage import usage_from_record
from shared.pauses.pause import pause_from_json
from shared.redis.keys import KEYS, Key, Keys
from shared.specs.parts import output_in
from shared.specs.webhook import fault_of_receiver
from shared.storage.base import INPUTS, OUTPUTS, check_key
from shared.webhooks.delivery import delivery_from_record

# The type of each kind of key that is copied.
TYPES = {
    "job": "hash",
    "batch": "hash",
    "file": "hash",
    "style": "hash",
    "delivery": "hash",
    "gone": "string",
    "idempotency": "hash",
    "events": "stream",
    "sequence": "string",
    "owned_sequence": "string",
    "owned_front": "string",
    "owned_files": "zset",
    "owned_styles": "zset",
    "recipe": "hash",
    "owned_recipes": "zset",
    "batch_finished": "list",
    "batch_again": "hash",
    "batch_files": "hash",
    "batch_names": "set",
    "batch_parts": "hash",
    "batch_listing": "list",
    "batch_templates": "list",
    "durations": "hash",
    "owned_durations": "hash",
    "usage": "hash",
    "pauses": "hash",
    "collecting": "string",
    "probe": "string",
}
MOST_KEY = 1024  # characters
PICTURE = re.compile(r"image/(png|jpeg|webp|gif|tiff|bmp|heic|avif)")
_KEYS = Keys(prefix="")
_COPIED = ("record", "first", "of_batch", "last", "other")
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, AtelierError)


class RecordRefused(AtelierError):
    """Raised for a record that no backup of Atelier holds."""

    code = "record_refused"
    title = "A record cannot be restored"


def copied_keys() -> Iterator[Key]:
    """Yield the kinds of keys that a backup copies."""
    return (key for key in KEYS if key.copied in _COPIED)


def _pattern(key: Key) -> re.Pattern[str]:
    """Return what matches a key of this kind: only its last part may hold a colon."""
    text = re.sub(r"{\w+}", "[^:]+", key.text)
    return re.compile(f"{text.removesuffix('[^:]+')}.+" if text.endswith("[^:]+") else text)


_PATTERNS = {key.name: _pattern(key) for key in copied_keys()}


class RecordCheck:
    """Checks the records of one backup in their order: what items of a batch share comes before the items."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], str] = {}  # by batch and digest

    def __call__(self, copy: RecordCopy) -> list[str]:
        """Return the keys of the objects that a record names; raise RecordRefused."""
        name = _name_of(copy.key)
        _check_shape(name, copy)
        try:
            if check := _CONTENTS.get(name):
                check(self._with_parts(copy) if name == "job" else copy)
            if name == "batch_parts":
                self._remember(copy)
            named = objects_of(copy)
            _must_be_objects(named)
        except _UNREADABLE as error:
            raise RecordRefused(f"{copy.key} is not as Atelier writes it: {str(error)[:300]}") from error
        return named

    def _remember(self, copy: RecordCopy) -> None:
        batch_id = copy.key.partition(":")[2]
        self._parts |= {(batch_id, digest): text for digest, text in copy.value.items()}

    def _with_parts(self, copy: RecordCopy) -> RecordCopy:
        """Return the copy of a job with the parts of its specification."""
        record = unpacked(copy.value)
        digests = record.get("parts", "").split()
        parts = {PART + digest: self._parts[record["batch"], digest] for digest in digests}
        return replace(copy, value={**record, **parts})


def _check_shape(name: str, copy: RecordCopy) -> None:
    if copy.type != TYPES[name] or not _SHAPES[TYPES[name]](copy.value):
        raise RecordRefused(f"{copy.key} is no {TYPES[name]} as a backup writes it")
    if copy.ttl_ms is not None and not (type(copy.ttl_ms) is int and copy.ttl_ms > 0):
        raise RecordRefused(f"{copy.key} has a time to live that is none")


def _name_of(key: object) -> str:
    text = key if isinstance(key, str) and len(key) <= MOST_KEY and key.isprintable() else ""
    found = next((name for name, pattern in _PATTERNS.items() if pattern.fullmatch(text)), None)
    if found is None:
        raise RecordRefused(f"a backup copies no key such as {str(key)[:100]!r}")
    return found


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(text, str) for text in value.values())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)


def _are_scores(value: Any) -> bool:
    return _are_pairs(value, lambda score: isinstance(score, int | float))


def _are_entries(value: Any) -> bool:
    return _are_pairs(value, _is_text_map)


def _are_pairs(value: Any, is_second: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_pair(pair, is_second) for pair in value)


def _is_pair(pair: Any, is_second: Callable[[Any], bool]) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and is_second(pair[1])


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "hash": _is_text_map,
    "string": lambda value: isinstance(value, str),
    "list": _are_texts,
    "set": _are_texts,
    "zset": _are_scores,
    "stream": _are_entries,
}


def _check_job(copy: RecordCopy) -> None:
    job = job_from_record(copy.value)
    _must(copy.key == _KEYS("job", job.id), "its id is another one")
    float(copy.value.get("order", 0))
    _must_be_objects(job.inputs.values())
    _check_chain(job, copy.value)
    for output in job.outputs:
        _must(PICTURE.fullmatch(output.media_type), f"an output of it is {output.media_type!r}")
    _check_webhook(copy.value)


def _check_chain(job: Job, record: Mapping[str, str]) -> None:
    for name, parent in job.parents.items():
        _must(output_in(name) and re.fullmatch(JOB_ID, parent), "a job that it takes from is none")
    for name, taken in json.loads(record.get("taken") or "{}").items():
        _must(name in job.parents and re.fullmatch(JOB_ID, taken["source"]), "it has taken from no job")
        _must(re.fullmatch("[0-9a-f]{64}", taken["sha256"]), "what it has taken has no digest")
        int(taken["bytes"])


def _check_file(copy: RecordCopy) -> None:
    record = copy.value
    _must(copy.key == _KEYS("file", record["owner"], record["id"]), "its id or owner is another one")
    _must(record["id"] == f"file_{record['sha256']}", "its id is not that of its bytes")
    _must(PICTURE.fullmatch(record["media_type"]), f"it is {record['media_type']!r}")
    _must_be_numbers(record, "bytes", "width", "height", "created_at")


def _check_style(copy: RecordCopy) -> None:
    record = copy.value
    _must(copy.key == _KEYS("style", record["owner"], record["name"]), "its name or owner is another one")
    _must(record["file"], "it names no file")


def _check_recipe(copy: RecordCopy) -> None:
    record = copy.value
    _must(copy.key == _KEYS("recipe", record["owner"], record["name"]), "its name or owner is another one")
    _must(f"settings:{record['latest']}" in record, "it has no settings of its latest version")
    for field, text in record.items():
        if field.startswith("settings:"):
            _must(isinstance(json.loads(text), dict), "its settings are none")
            _must_be_numbers(record, field.replace("settings", "created"))


def _check_parts(copy: RecordCopy) -> None:
    for digest, text in copy.value.items():
        _must(sha256(text.encode())[:DIGEST_CHARACTERS] == digest, "a part is not that of its digest")


def _check_batch(copy: RecordCopy) -> None:
    batch = batch_from_record(copy.value)
    _must(copy.key == _KEYS("batch", batch.id), "its id is another one")
    float(copy.value.get("order", 0))
    _check_webhook(copy.value)


def _check_delivery(copy: RecordCopy) -> None:
    delivery = delivery_from_record(copy.value)
    _must(copy.key == _KEYS("delivery", delivery.id), "its id is another one")
    _check_url(delivery.url, delivery.template)


def _check_usage(copy: RecordCopy) -> None:
    for field, text in copy.value.items():
        usage_from_record(field, text)


def _check_pauses(copy: RecordCopy) -> None:
    for name, text in copy.value.items():
        _must(pause_from_json(text).to_json() == text, "a pause has another form")
        _must(pause_from_json(text).id == name, "the id of a pause is another one")


def _check_webhook(record: Mapping[str, str]) -> None:
    if record.get("webhook"):
        kept = json.loads(record["webhook"])
        _check_url(kept["url"], kept.get("template"))


def _check_url(url: str, template: str | None) -> None:
    fault = fault_of_receiver(url, template)
    _must(not fault, f"the address of its webhook {fault}")


def _must(holds: object, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _must_be_objects(keys: Iterable[str]) -> None:
    for key in keys:
        check_key(key)
        _must(key.startswith((INPUTS, OUTPUTS)), f"{key[:100]!r} is neither an upload nor an output")


def _must_be_numbers(record: Mapping[str, str], *names: str) -> None:
    for name in names:
        _must(record[name].isascii() and record[name].isdigit(), f"its {name} is no number")


_CONTENTS: Mapping[str, Callable[[RecordCopy], None]] = {
    "job": _check_job,
    "file": _check_file,
    "style": _check_style,
    "recipe": _check_recipe,
    "batch": _check_batch,
    "batch_parts": _check_parts,
    "batch_templates": lambda copy: check_templates(copy.value),
    "batch_listing": lambda copy: check_listing(copy.value),
    "delivery": _check_delivery,
    "usage": _check_usage,
    "pauses": _check_pauses,
}
