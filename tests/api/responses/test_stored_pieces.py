"""Bytes that are not those of their record reach nobody as a whole."""

import io
import zipfile
from collections import deque

import pytest
from flask.testing import FlaskClient

from api.responses.content import Member, archive
from api.responses.stored_pieces import PIECE_BYTES, pieces_of
from api.services import Services
from shared.errors import ObjectDamaged
from shared.identifiers import sha256
from shared.storage.base import ObjectStore
from tests.support.jobs.fake_worker import PICTURE, FakeWorker

LARGE = bytes(range(256)) * (PIECE_BYTES // 100)


def stored(objects: ObjectStore, data: bytes, told: bytes) -> Member:
    objects.put("a/b", data)
    return Member("a.png", "a/b", len(told), sha256(told))


def test_what_was_stored_is_sent(objects: ObjectStore) -> None:
    member = stored(objects, LARGE, LARGE)
    assert b"".join(pieces_of(member, objects, 0, member.size)) == LARGE
    assert b"".join(pieces_of(member, objects, 5, 9)) == LARGE[5:9]


@pytest.mark.parametrize("wrong", [LARGE[:-1] + b"x", b"x" + LARGE[1:], LARGE[:-1]])
def test_of_wrong_bytes_the_last_are_never_sent(objects: ObjectStore, wrong: bytes) -> None:
    member = stored(objects, wrong, LARGE)
    sent = bytearray()
    with pytest.raises(ObjectDamaged, match="a/b"):
        deque(map(sent.extend, pieces_of(member, objects, 0, member.size)), maxlen=0)
    assert 0 < len(sent) < len(LARGE)


def test_a_part_that_is_too_short_is_an_error(objects: ObjectStore) -> None:
    member = stored(objects, b"0123", b"0123456789")
    with pytest.raises(ObjectDamaged):
        list(pieces_of(member, objects, 2, 9))


def test_an_archive_with_wrong_bytes_has_no_end(objects: ObjectStore) -> None:
    member = stored(objects, b"0123456780", b"0123456789")
    sent: list[bytes] = []
    with pytest.raises(ObjectDamaged):
        sent.extend(archive([member], objects))
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(sent)))


def damage(services: Services, job_id: str) -> None:
    key = services.store.get(job_id, "anonymous").outputs[0].key
    services.objects.put(key, PICTURE[:-1] + b"?")


@pytest.mark.parametrize("query", ["", "?side=32"])
def test_a_damaged_output_is_an_error_and_no_picture(
    client: FlaskClient, services: Services, worker: FakeWorker, query: str
) -> None:
    job_id = str(client.post("/v1/jobs", json={"type": "generate"}).json["id"])
    worker.run(job_id)
    damage(services, job_id)
    answer = client.get(f"/v1/jobs/{job_id}/outputs/0{query}")
    assert (answer.status_code, answer.json["code"]) == (500, "object_damaged")
