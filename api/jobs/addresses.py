"""Pictures that a request names by address: fetched or decoded, and probed; nothing is stored here."""

import base64
import binascii
from collections.abc import Generator, Mapping
from contextlib import closing
from urllib.parse import unquote_to_bytes

from api.errors import PictureNotFetched, TooManyFetches
from api.requests.field_errors import combined, not_fetched
from api.requests.pictures import Upload, probe_upload
from api.services import Services
from shared.errors import AtelierError, BodyTooLarge, InvalidRequest
from shared.identifiers import file_id, sha256
from shared.network.guarded_client import NotReached, TooLarge
from shared.network.url import refusal_of_url
from shared.specs.parts import is_data
from shared.specs.spec import JobSpec

MOST_QUOTED = 1024 * 1024  # characters of a data URL with percent signs: each becomes an object

Loaded = Generator[tuple[str, Upload | AtelierError], None, None]  # to be closed: it holds a place


def with_pictures(services: Services, spec: JobSpec, owner: str) -> tuple[JobSpec, list[Upload]]:
    """Return the specification with the ids of the files that its addresses become, and these files."""
    uploads = pictures_at(services, spec.addresses, owner)
    files = {address: found.file_id for address, found in uploads.items()}
    return spec.with_files(files), list(uploads.values())


def pictures_at(services: Services, addresses: Mapping[str, str], owner: str) -> dict[str, Upload]:
    """Return the picture at each address, for which the pointer of its field is given.

    Raises one error that names every field whose picture is not there, or not one.
    """
    uploads: dict[str, Upload] = {}
    faults: list[AtelierError] = []
    room = services.settings.limits.max_body_bytes
    with closing(loaded(services, addresses, owner)) as pictures:
        for address, found in pictures:
            if isinstance(found, Upload):
                uploads[address] = found
                room -= len(found.data)
            else:
                faults.append(found)
            if room < 0:
                raise _too_many_bytes(services, addresses[address])
    if faults:
        raise combined(faults)
    return uploads


def _too_many_bytes(services: Services, pointer: str) -> AtelierError:
    most = services.settings.limits.max_body_bytes
    return BodyTooLarge.of_field(pointer, f"the pictures of a job may have {most} bytes together")


def loaded(services: Services, addresses: Mapping[str, str], owner: str) -> Loaded:
    """Yield each address with its picture, or with the error that names its field, given by pointer."""
    remote = []
    for address, pointer in addresses.items():
        fault = None if is_data(address) else _fault_of_text(services, address, pointer)
        if fault is not None:
            yield address, fault
        elif is_data(address):
            yield address, _decoded(services, address, pointer)
        else:
            remote.append(address)
    if remote:
        yield from _fetched(services, {address: addresses[address] for address in remote}, owner)


def _fetched(services: Services, addresses: Mapping[str, str], owner: str) -> Loaded:
    most = services.settings.limits.max_body_bytes
    with services.fetcher.slot(owner) as free:
        if not free:
            raise TooManyFetches("as many requests as can be served, or of yours, fetch pictures; try again")
        found = services.fetcher.fetch(list(addresses), most_bytes=most)
        for (address, pointer), data in zip(addresses.items(), found, strict=True):
            yield address, _received(services, data, pointer)


def _fault_of_text(services: Services, address: str, pointer: str) -> AtelierError | None:
    """Return the error of an address that need not be tried."""
    if not services.settings.fetch.enabled:
        return InvalidRequest.of_field(pointer, f"{_name(pointer)} {not_fetched(address)}")
    private = services.settings.fetch.allow_private
    reason = refusal_of_url(address, private=private, setting="ATELIER_FETCH_ALLOW_PRIVATE")
    detail = f"{_name(pointer)} is refused: {reason}"
    return PictureNotFetched.of_field(pointer, detail) if reason else None


def _received(services: Services, data: bytes | NotReached, pointer: str) -> Upload | AtelierError:
    if isinstance(data, bytes):
        return _probed(services, data, pointer)
    if isinstance(data, TooLarge):
        return BodyTooLarge.of_field(pointer, f"{_name(pointer)} is too large: {data}")
    return PictureNotFetched.of_field(pointer, f"{_name(pointer)} cannot be fetched: {data}")


def _decoded(services: Services, address: str, pointer: str) -> Upload | AtelierError:
    head, comma, text = address.partition(",")
    most = services.settings.limits.max_body_bytes
    try:
        if not comma or ("%" in text and len(text) > MOST_QUOTED):
            raise ValueError("it has no comma, or is quoted and long")
        data = unquote_to_bytes(text) if "%" in text else text.encode()
        if head.lower().endswith(";base64"):
            data = base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        detail = f"{_name(pointer)} is a data URL that cannot be decoded: write data:image/png;base64,..."
        return InvalidRequest.of_field(pointer, detail)
    if len(data) > most:
        return BodyTooLarge.of_field(pointer, f"{_name(pointer)} is too large: it has more than {most} bytes")
    return _probed(services, data, pointer)


def _probed(services: Services, data: bytes, pointer: str) -> Upload | AtelierError:
    try:
        return probe_upload(services, file_id(sha256(data)), data, pointer)
    except AtelierError as error:
        return error


def _name(pointer: str) -> str:
    return pointer.removeprefix("/").replace("/", ".")
