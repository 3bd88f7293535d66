"""What a batch's items need from elsewhere: uploaded pictures and named styles, looked up once for all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from api.batch_faults import Faults
from api.batch_items import Item
from api.pacing import Pace
from api.pictures import check_content_size
from api.services import Services
from api.validation import Spec
from shared.errors import AtelierError, FieldError, StyleNotFound
from shared.spec_parts import WeightedStyle
from shared.specs import GenerateSpec, StylizeSpec, inputs_of
from shared.submission import missing_files

Sizes = Mapping[str, tuple[int, int]]


def find_inputs(services: Services, owner: str, items: Sequence[Item], faults: Faults) -> list[Item]:
    """Return the items with the pictures of named styles filled in; note what is missing, and what too large.

    Asks once for all distinct files, and once for all distinct styles.
    """
    named = _with_styles(services, owner, items, faults)
    names = {name: None for item in named for name in inputs_of(item.spec)}
    sizes = services.files.sizes(owner, list(names))
    sound: dict[tuple[object, ...], AtelierError | None] = {}
    pace = Pace()
    for item in named:
        error = _error(item, sizes, sound)
        pace()
        if error is not None:
            faults.note(item.position, error)
    return named


def _with_styles(services: Services, owner: str, items: Sequence[Item], faults: Faults) -> list[Item]:
    names = {style.name: None for item in items for style in _named(item.spec) if style.name is not None}
    files = services.styles.files(owner, list(names)) if names else {}
    return [_with_files(item, files, faults) for item in items]


def _named(spec: Spec) -> Iterator[WeightedStyle]:
    if isinstance(spec, StylizeSpec):
        yield from (style for style in spec.styles if style.name is not None and style.image is None)


def _with_files(item: Item, files: Mapping[str, str], faults: Faults) -> Item:
    spec = item.spec
    if not isinstance(spec, StylizeSpec) or next(_named(spec), None) is None:
        return item
    styles, missing = [], []
    for place, style in enumerate(spec.styles):
        file = files.get(style.name or "") if style.image is None else style.image
        styles.append(style.model_copy(update={"image": file}))
        if file is None and style.name is not None:
            text = f"there is no style {style.name}"
            missing.append(FieldError(f"/styles/{place}/name", text, StyleNotFound.code))
    if missing:
        faults.add(item.position, missing, StyleNotFound)
    return replace(item, spec=spec.model_copy(update={"styles": styles}))


def _error(
    item: Item, sizes: Sizes, sound: dict[tuple[object, ...], AtelierError | None]
) -> AtelierError | None:
    spec = item.spec
    if isinstance(spec, GenerateSpec):
        return None
    missing = [name for name in inputs_of(spec) if name not in sizes]
    if missing:
        return missing_files(spec, missing)
    stroke = spec.stroke if isinstance(spec, StylizeSpec) else None
    asked = (item.card.name, spec.content, spec.size.max_side, stroke)
    if asked not in sound:
        sound[asked] = _size_error(item, sizes[spec.content])
    return sound[asked]


def _size_error(item: Item, size: tuple[int, int]) -> AtelierError | None:
    assert not isinstance(item.spec, GenerateSpec), "a job with a content picture"
    try:
        check_content_size(item.spec, item.card, size)
    except AtelierError as error:
        return error
    return None
