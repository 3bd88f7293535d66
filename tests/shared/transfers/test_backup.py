"""A backup of a batch that is on its way from one place to another: restored, it goes on."""

from pathlib import Path

import pytest

from atelier.backup.accepted import RecordCheck
from shared.backup.record_copy import RecordCopy
from shared.backup.snapshot import Snapshot
from shared.identifiers import ANONYMOUS
from shared.places.request import Destination, Source
from tests.support.files import files_below
from tests.support.places.transfer_steps import Transferring, put_photos


@pytest.mark.parametrize("taken", [0, 1, 2, 9])
def test_a_restored_batch_goes_on_from_and_to_its_places(
    moving: Transferring, tmp_path: Path, taken: int
) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(40)))
    batch_id = moving.open(Source(place="in"), Destination(place="out", name="{stem}.{ext}"))
    for _ in range(taken):
        moving.importer.step(batch_id)
    moving.finish(most=10)
    moving.go_on("destination", batch_id)
    snapshot = Snapshot(moving.store.client)
    copies = list(snapshot.read())
    accepted = RecordCheck()
    for copy in copies:
        accepted(RecordCopy.from_line(copy.to_line()))
    moving.store.client.flushall()
    for _ in snapshot.write(copies, pause_ms=0):
        continue
    for kind in ("source", "destination"):
        is_over = taken == 9 and kind == "source"
        assert moving.transfers.take(kind, 8, {}) == ([] if is_over else [(batch_id, PLACE[kind])])
    moving.go_on("source", batch_id)
    assert [job.source for job in moving.batches.items(batch_id, ANONYMOUS, limit=99).items] == [
        f"{n:02d}.png" for n in range(40)
    ]
    moving.finish()
    batch = moving.go_on("destination", batch_id)
    assert batch.delivering is not None
    assert (batch.delivering.status, batch.delivering.delivered) == ("delivered", 40)
    assert len([path for path in files_below(tmp_path / "out") if ".atelier" not in path.parts]) == 40


PLACE = {"source": "in", "destination": "out"}
