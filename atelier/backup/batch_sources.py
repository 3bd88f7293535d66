"""What a restore takes of a batch's source: what is made of each picture, and the names that were listed.

Both are told apart by their number, from 0 on, as a batch may have thousands.
"""

import json
import re
from collections.abc import Callable, Sequence

from shared.places.catalog import is_picture_name
from shared.specs.spec import JOB_SPEC
from shared.specs.webhook import fault_of_receiver
from shared.specs.working_size import ContentSpec
from shared.storage.base import check_key

_FIELDS = {"label": str, "style": str, "spec": dict}
_LINE = re.compile(r"[0-9]{1,18} .+")


def check_templates(texts: Sequence[str]) -> None:
    """Raise ValueError, with the field, for a template that no batch keeps."""
    _check_each("template", _check_template, texts)


def check_listing(lines: Sequence[str]) -> None:
    """Raise ValueError for a line that no listing of a place has."""
    _check_each("name", _check_line, lines)


def _check_each(what: str, check: Callable[[str], None], texts: Sequence[str]) -> None:
    for number, text in enumerate(texts):
        try:
            check(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{what} {number}: {error}") from error


def _check_template(text: str) -> None:
    known = json.loads(text)
    if not isinstance(known, dict) or known.keys() != _FIELDS.keys():
        raise ValueError(f"it has not the fields {', '.join(_FIELDS)} and no others")
    if wrong := [name for name, kind in _FIELDS.items() if not isinstance(known[name], kind)]:
        raise ValueError(f"its field {wrong[0]} is of another type")
    spec = JOB_SPEC.validate_python(known["spec"])
    if not isinstance(spec, ContentSpec):
        raise ValueError(f"its field spec is of a {spec.type} job, which takes no pictures")
    if spec.webhook and (fault := fault_of_receiver(spec.webhook.url, spec.webhook.template)):
        raise ValueError(f"its field spec.webhook.url {fault}")


def _check_line(line: str) -> None:
    if not _LINE.fullmatch(line):
        raise ValueError("it is no size in bytes and a name")
    name = line.partition(" ")[2]
    check_key(name)
    if not is_picture_name(name):
        raise ValueError(f"{name[:100]!r} is no name that is taken from a place")
