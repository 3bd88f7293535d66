"""The uploaded pictures and named styles that a batch's items need; each is looked up once."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import replace

from api.auth import require
from api.batches.faults import Faults
from api.batches.items import Item
from api.jobs.addresses import loaded
from api.jobs.parents import Parents
from api.requests.field_errors import combined
from api.requests.pictures import Upload
from api.server.threads import ThreadYielder
from api.services import Services
from shared.access.key import Scope
from shared.cards.card import ModelCard
from shared.errors import AtelierError, FieldError, InvalidRequest, StyleNotFound
from shared.images.limits import ImageLimits
from shared.jobs.submission import missing_files
from shared.setting_groups import blocks
from shared.specs.parts import PictureSize, is_address, output_in
from shared.specs.spec import JobSpec
from shared.specs.working_size import ContentSpec, check_content

MAX_ADDRESSES = 100  # pictures that one request may name by address


class Inputs:
    """The files and styles that the items of one request name. Caches each lookup."""

    def __init__(
        self, services: Services, owner: str, *, keep: bool = True, unknown: Collection[str] = ()
    ) -> None:
        """Unless they are to be kept, nothing is stored of the pictures that are fetched.

        The `unknown` files are looked for by nobody: they come later.
        """
        self._unknown = unknown
        self._services = services
        self._keeps = keep
        self.unstored: dict[str, int] = {}  # bytes by file id, of what was fetched and not kept
        self._owner = owner
        self._parents = Parents(services, owner)
        self._styles: dict[str, str | None] = {}  # picture id by style name
        self._sizes: dict[str, PictureSize | None] = dict.fromkeys(unknown)  # by file id
        self._addresses: dict[str, str] = {}  # not fetched yet: the pointer of a field by address
        self._files: dict[str, str] = {}  # file id by address
        self._failed: dict[str, AtelierError] = {}  # by address
        self._size_errors: dict[tuple[object, ...], AtelierError | None] = {}

    def checked(self, items: Sequence[Item], faults: Faults) -> list[Item]:
        """Return items with the pictures of named styles filled in; record missing and too large files.

        Looks up all files of these items at once, and all styles at once.
        """
        self._look_up_styles(frozenset[str]().union(*(item.spec.named_styles for item in items)))
        named = [self._with_files(item, faults) for item in items]
        named = [self._with_pictures(item, faults) for item in named]
        inputs = [name for item in named for name in item.spec.inputs if not is_address(name)]
        self._look_up_outputs([name for name in inputs if output_in(name)])
        self._look_up_files(inputs)
        give_way = ThreadYielder()
        for item in named:
            error = self._error(item)
            give_way()
            if error is not None:
                faults.note(item.position, error)
        return named

    def size_of(self, spec: JobSpec) -> PictureSize | None:
        """Return the size of a checked item's content picture; None if it has no content picture."""
        return self._sizes[spec.content] if isinstance(spec, ContentSpec) else None

    @property
    def has_addresses(self) -> bool:
        """Whether items name pictures by address that are not there yet."""
        return bool(self._addresses)

    def fetch(self) -> None:
        """Store the pictures of all addresses that checked items name; the next check notes what failed."""
        with closing(loaded(self._services, self._addresses, self._owner)) as pictures:
            for address, found in pictures:
                self._keep(address, found)
        self._addresses = {}

    def _keep(self, address: str, found: Upload | AtelierError) -> None:
        if isinstance(found, AtelierError):
            self._failed[address] = found
            return
        if self._keeps:
            self._services.files.add(self._owner, found.data, found.info, with_form=True)
        elif self._services.files.find(self._owner, found.file_id) is None:
            self.unstored[found.file_id] = blocks(len(found.data))
        self._files[address] = found.file_id
        self._sizes[found.file_id] = PictureSize(found.info.width, found.info.height, found.info.frames)

    def _look_up_styles(self, names: frozenset[str]) -> None:
        new = sorted(names - self._styles.keys())
        if new:
            found = self._services.styles.files(self._owner, new)
            self._styles |= {name: found.get(name) for name in new}

    def _look_up_files(self, names: Iterable[str]) -> None:
        new = [name for name in dict.fromkeys(names) if name not in self._sizes]
        if new:
            found = self._services.files.sizes(self._owner, new)
            self._sizes |= {name: found.get(name) for name in new}

    def _look_up_outputs(self, names: Sequence[str]) -> None:
        if not names:
            return
        require(Scope.READ)  # what the items make shows what they take
        self._parents.look_up(names)
        self._sizes |= {name: self._parents.size(name) for name in names}

    def _with_files(self, item: Item, faults: Faults) -> Item:
        if not item.spec.named_styles:
            return item
        spec, missing = item.spec.with_style_files(self._styles)
        if missing:
            faults.add(item.position, missing, StyleNotFound)
        return replace(item, spec=spec)

    def _with_pictures(self, item: Item, faults: Faults) -> Item:
        """Return an item with the files of its addresses; remember those that are not fetched yet."""
        for address, pointer in item.spec.addresses.items():
            error = self._failed.get(address)
            if error is not None:
                moved = [FieldError(pointer, entry.detail, entry.code) for entry in error.errors]
                faults.add(item.position, moved, type(error))
            elif address not in self._files:
                self._addresses.setdefault(address, pointer)
        if len(self._addresses) > MAX_ADDRESSES:
            detail = (
                f"a request may name at most {MAX_ADDRESSES} pictures by address; upload them to /v1/files"
            )
            raise InvalidRequest(detail)
        return replace(item, spec=item.spec.with_files(self._files)) if item.spec.addresses else item

    def _error(self, item: Item) -> AtelierError | None:
        spec = item.spec
        if not isinstance(spec, ContentSpec) or spec.addresses:
            return None
        known = [name for name in spec.inputs if name not in self._unknown and not output_in(name)]
        missing = [name for name in known if self._sizes[name] is None]
        if missing:
            return missing_files(spec, missing)
        refused = list(self._parents.faults(spec))
        if refused:
            return combined(refused)
        asked = (item.card.reference, spec.content, *spec.sizing)
        if asked not in self._size_errors:
            self._size_errors[asked] = self._size_error(spec, item.card)
        return self._size_errors[asked]

    def _size_error(self, spec: ContentSpec, card: ModelCard) -> AtelierError | None:
        size = self._sizes[spec.content]
        if size is None:
            return None  # the output of a job of which it is not known
        try:
            check_content(spec, card, size, ImageLimits.of(self._services.settings.limits))
        except AtelierError as error:
            return error
        return None
