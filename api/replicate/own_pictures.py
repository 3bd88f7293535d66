"""Pictures that a prediction names by this service's own addresses: they are here, and are not fetched."""

import re

from api.requests.field_errors import CheckedSpec
from api.requests.pictures import Upload, probe_upload
from api.services import base_url, owner, services
from shared.errors import BodyTooLarge, FileNotFound, JobGone, JobNotFound, ObjectNotFound
from shared.identifiers import file_id
from shared.jobs.job import StoredOutput
from shared.replicate.prediction import HOME
from shared.storage.base import read_checked

_ID = "(file_[0-9a-f]{64})"
_FILE = re.compile(rf"{HOME}/files/{_ID}|/v1/files/{_ID}/content(?:\?.*)?")
_OUTPUT = re.compile(r"/v1/jobs/([A-Za-z0-9_-]{1,128})/outputs/([0-9]{1,6})(?:\?.*)?")


def with_own_pictures(asked: CheckedSpec) -> tuple[CheckedSpec, list[Upload]]:
    """Return a job in which ids of files stand for the service's own addresses; and its outputs among them.

    Raises an error that names the field whose picture is not there, or too large.
    """
    files: dict[str, str] = {}
    uploads: list[Upload] = []
    room = services().settings.limits.max_body_bytes
    for address, pointer in asked.spec.addresses.items():
        path = address.removeprefix(base_url())
        if found := _FILE.fullmatch(path):
            files[address] = found[1] or found[2]
        elif found := _OUTPUT.fullmatch(path):
            upload = _output(found[1], int(found[2]), pointer, room)
            room -= len(upload.data)
            files[address] = upload.file_id
            uploads.append(upload)
    return asked._replace(spec=asked.spec.with_files(files)), uploads


def _output(job_id: str, index: int, pointer: str, room: int) -> Upload:
    """Return a picture that the owner's job made, as one that came with the request."""
    try:
        output: StoredOutput = services().store.get(job_id, owner()).outputs[index]
        if output.bytes > room:
            detail = "outputs of earlier predictions may have as many bytes together as a request"
            raise BodyTooLarge.of_field(pointer, detail)
        data = read_checked(services().objects, output.key, output.sha256)
    except (JobNotFound, JobGone, IndexError, ObjectNotFound) as error:
        detail = f"{pointer.strip('/')} is the address of an output that is not here, or not any more"
        raise FileNotFound.of_field(pointer, detail) from error
    return probe_upload(services(), file_id(output.sha256), data, pointer)
