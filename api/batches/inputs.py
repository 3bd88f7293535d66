"""What a batch's items need from elsewhere: uploaded pictures and named styles, each looked up once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from api.batches.items import Item
from api.batches.sources import Faults
from api.requests.pictures import check_content
from api.server.threads import ThreadYielder
from api.services import Services
from shared.errors import AtelierError, FieldError, StyleNotFound
from shared.jobs.submission import missing_files
from shared.specs.parts import WeightedStyle
from shared.specs.spec import GenerateSpec, Spec, StylizeSpec, inputs_of
from shared.specs.work_size import PictureSize


class Inputs:
    """The files and styles that the items of one request name. Remembers what it has asked for."""

    def __init__(self, services: Services, owner: str) -> None:
        self._services = services
        self._owner = owner
        self._styles: dict[str, str | None] = {}  # name to the id of its picture
        self._sizes: dict[str, PictureSize | None] = {}  # of files, by id
        self._size_errors: dict[tuple[object, ...], AtelierError | None] = {}

    def checked(self, items: Sequence[Item], faults: Faults) -> list[Item]:
        """Return items with the pictures of named styles filled in; note what is missing, and what too large.

        Asks for all files of these items at once, and for all styles.
        """
        self._ask_for_styles({style.name for item in items for style in _named(item.spec) if style.name})
        named = [self._with_files(item, faults) for item in items]
        self._ask_for_files(name for item in named for name in inputs_of(item.spec))
        pace = ThreadYielder()
        for item in named:
            error = self._error(item)
            pace()
            if error is not None:
                faults.note(item.position, error)
        return named

    def size_of(self, spec: Spec) -> PictureSize | None:
        """Return the size of the content picture of a checked item; None for one that has none."""
        return None if isinstance(spec, GenerateSpec) else self._sizes[spec.content]

    def _ask_for_styles(self, names: set[str]) -> None:
        new = sorted(names - self._styles.keys())
        if new:
            found = self._services.styles.files(self._owner, new)
            self._styles |= {name: found.get(name) for name in new}

    def _ask_for_files(self, names: Iterable[str]) -> None:
        new = [name for name in dict.fromkeys(names) if name not in self._sizes]
        if new:
            found = self._services.files.sizes(self._owner, new)
            self._sizes |= {name: found.get(name) for name in new}

    def _with_files(self, item: Item, faults: Faults) -> Item:
        spec = item.spec
        if not isinstance(spec, StylizeSpec) or next(_named(spec), None) is None:
            return item
        styles, missing = [], []
        for place, style in enumerate(spec.styles):
            file = self._styles[style.name] if style.name and style.image is None else style.image
            styles.append(style.model_copy(update={"image": file}))
            if style.name and file is None:
                text = f"there is no style {style.name}"
                missing.append(FieldError(f"/styles/{place}/name", text, StyleNotFound.code))
        if missing:
            faults.add(item.position, missing, StyleNotFound)
        return replace(item, spec=spec.model_copy(update={"styles": styles}))

    def _error(self, item: Item) -> AtelierError | None:
        spec = item.spec
        if isinstance(spec, GenerateSpec):
            return None
        missing = [name for name in inputs_of(spec) if self._sizes[name] is None]
        if missing:
            return missing_files(spec, missing)
        asked: tuple[object, ...] = (item.card.name, spec.content, spec.size.max_side)
        if isinstance(spec, StylizeSpec):
            asked += (spec.stroke, spec.takes_frames)
        if asked not in self._size_errors:
            self._size_errors[asked] = self._size_error(item)
        return self._size_errors[asked]

    def _size_error(self, item: Item) -> AtelierError | None:
        assert not isinstance(item.spec, GenerateSpec), "a job with a content picture"
        size = self._sizes[item.spec.content]
        assert size is not None, "a file that is there"
        try:
            check_content(self._services, item.spec, item.card, size)
        except AtelierError as error:
            return error
        return None


def _named(spec: Spec) -> Iterator[WeightedStyle]:
    if isinstance(spec, StylizeSpec):
        yield from (style for style in spec.styles if style.name is not None and style.image is None)
