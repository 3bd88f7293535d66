"""The io worker dies while it reads a source or writes a destination: each result is put once and whole."""

import shutil
from pathlib import Path

import pytest

from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.places.request import PlaceDestination, PlaceSource
from shared.identifiers import sha256
from tests.crash_points.installation import Installation
from tests.crash_points.stories import fresh_picture
from tests.support.files import files_below
from tests.support.models.light_models import TRANSFORMER
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

TRANSFERS = (
    "io.while-listing", "io.before-adding", "io.after-adding", "io.after-closing", "io.after-putting",
    "io.after-noting-what-was-put",
)  # fmt: skip
PHOTOS = 18  # more than one step takes


def below(folder: Path) -> dict[str, str]:
    """Return the digest of each file, by its name; of unfinished ones too."""
    return {str(path.relative_to(folder)): sha256(path.read_bytes()) for path in files_below(folder)}


def begin(client: Client) -> BatchRun:
    """Have all photos changed, and the results put below a folder of the batch."""
    return client.batches.create(
        source=PlaceSource(place="photos", match="*.png"),
        template={"type": "transform", "model": TRANSFORMER},
        destination=PlaceDestination(place="put", name="{batch}/{stem}.{ext}"),
    )


@pytest.mark.parametrize("point", TRANSFERS)
def test_each_picture_of_a_place_is_made_and_put_once(
    installation: Installation, client: Client, point: str
) -> None:
    shutil.rmtree(installation.put / ".atelier", ignore_errors=True)
    for number in range(PHOTOS):
        (installation.photos / f"{number:02d}.png").write_bytes(fresh_picture())
    installation.strikes.arm(point)
    run = begin(client)
    installation.await_strike(point)

    def is_there() -> bool:
        destination = run.refresh().destination
        return destination is not None and destination.status != "delivering"

    eventually(is_there, seconds=60)
    batch = run.refresh()
    assert (batch.status, batch.counts["succeeded"], batch.counts["total"]) == ("completed", PHOTOS, PHOTOS)
    assert (batch.destination.status, batch.destination.delivered) == (  # type: ignore[union-attr]
        "delivered", PHOTOS
    )  # fmt: skip
    made = {entry.source: entry.outputs[0].output.sha256 for entry in run if entry.source}
    assert below(installation.put / batch.id) == made
    left = [name for name in below(installation.put) if name.startswith(".atelier")]
    assert not left or "putting" in point  # what was being written stays aside, for a day
