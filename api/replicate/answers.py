"""Responses with predictions, whose pictures are addresses, or stand in them as data URLs.

The clients make files of outputs that begin with `https:` or `data:` alone; where the service is reached by
http, an address would be a bare text to a program that means to call `read()`.
"""

import base64
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from flask import Response

from api.auth import is_by_address
from api.responses.content import Member
from api.responses.representation import json_response
from api.responses.stored_pieces import pieces_of
from api.services import links, services
from shared.cards.card import Catalog
from shared.errors import AtelierError
from shared.jobs.job import Job
from shared.jobs.rendering import Links
from shared.replicate.prediction import ENCODING, Prediction, output_of, prediction_of
from shared.storage.base import ObjectStore

MOST_DATA_BYTES = 10_000_000  # of all pictures of a prediction as data URLs: what clients send as such, too
PIECE_BYTES = 3 * 256 * 1024  # in threes, so that the base64 of pieces is that of the whole
FRESH = {"Cache-Control": "private, no-cache"}


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a job, whose bytes take the places that are marked in a text."""

    job: Job
    objects: ObjectStore
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)  # which no client can know

    def addresses(self) -> Iterator[str]:
        """Yield what stands for each picture in a text: a data URL with a marked place."""
        for index, output in enumerate(self.job.outputs):
            yield f"data:{output.media_type};base64,{self.mark}-{index}-"

    def in_place(self, text: str) -> Iterator[str]:
        """Yield a text with the pictures in their places, piece by piece."""
        for place, part in enumerate(re.split(rf"{self.mark}-(\d+)-", text)):
            if place % 2:
                yield from self._encoded(int(part))
            else:
                yield part

    def _encoded(self, index: int) -> Iterator[str]:
        output = self.job.outputs[index]
        stored = Member("", output.key, output.bytes, output.sha256)
        for piece in pieces_of(stored, self.objects, 0, output.bytes, piece_bytes=PIECE_BYTES):
            yield base64.b64encode(piece).decode()

    def are_there(self) -> bool:
        """Whether all of them can be read now."""
        try:
            for output in self.job.outputs:
                self.objects.get_range(output.key, 0, 1)
        except AtelierError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Answers:
    """Shows jobs as predictions, in the links that suit one request."""

    links: Links
    catalog: Catalog
    objects: ObjectStore
    encoding: str  # of pictures, where a prediction does not say it

    @classmethod
    def here(cls) -> "Answers":
        """Return those of the request that is handled now; they hold on when it is over."""
        # Anyone who comes by a signed address has no key, and is told no address that does without.
        needs_data = is_by_address() or links().base.startswith("http:")
        return cls(links(), services().catalog, services().objects, "data" if needs_data else "url")

    def prediction(self, job: Job) -> Prediction:
        """Return a job as a prediction, whose pictures are addresses."""
        return prediction_of(job, self.links, self.catalog)

    def pictures(self, job: Job) -> Pictures | None:
        """Return the pictures of a job that stand in its prediction; None where their addresses do."""
        if job.spec.metadata.get(ENCODING, self.encoding) != "data" or not job.outputs:
            return None
        if sum(output.bytes for output in job.outputs) > MOST_DATA_BYTES:
            return None
        pictures = Pictures(job, self.objects)
        return pictures if pictures.are_there() else None


def prediction_response(job: Job, status: int = 200, *, is_new: bool = False) -> Response:
    """Return the response with a job's prediction; one that `is_new` is starting until it is done.

    `run()` of every client takes any other status than `starting` in the response to a creation as final.
    """
    answers = Answers.here()
    prediction = answers.prediction(job)
    if is_new and not job.is_done:
        prediction = prediction.model_copy(update={"status": "starting"})
    pictures = answers.pictures(job)
    if pictures is None:
        return json_response(prediction, status, FRESH)
    output = output_of(job, pictures.addresses())
    text = prediction.model_copy(update={"output": output}).model_dump_json()
    return Response(pictures.in_place(text), status, FRESH, mimetype="application/json")
