"""`client.events`: what changes of all jobs and batches of an owner, over one connection."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from atelier.client.errors import reading
from atelier.client.events import Event, watch
from atelier.client.transport import Resource

ChangeKind = Literal["job", "batch", "deleted", "reset"]


@dataclass(frozen=True, slots=True)
class Change:
    """A job or a batch that is new, has changed or is gone; or word that the lists must be read again."""

    kind: ChangeKind  # more may come; pass over those that you do not know
    place: str  # pass it as `after` to go on from here
    id: str = ""  # of the job or batch; "" of a reset
    status: str = ""  # "" of what was deleted, and of a reset
    done: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)  # of a batch, as those of Batch
    fraction: float | None = None  # 0..1 of a running job; None until it is known
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document

    @property
    def is_reset(self) -> bool:
        """Whether what was before is not told: read the lists, then go on with the changes."""
        return self.kind == "reset"


class EventsResource(Resource):
    """What changes of the jobs and batches of one Atelier."""

    def follow(
        self,
        *,
        types: Iterable[Literal["job", "batch"]] | None = None,
        batch: str | None = None,
        owner: str | None = None,
        after: str = "",
    ) -> Iterator[Change]:
        """Yield what changes of all your jobs and batches, without an end; of items, their batch's counts.

        The first is a reset, unless `after` is the place of a change that the service still knows: open the
        stream, and read the lists when the reset comes, so that nothing falls in between. A stream that
        breaks is opened again where it was. Where changes were lost meanwhile, there is a reset again.

        Changes that follow each other quickly come as one, with the latest state. `types` and `batch` choose
        what is told; `owner` is another owner, with an admin's key. Raises ApiError where the key is refused,
        and ServiceUnreachable after two minutes without a response.
        """
        given = {"types": ",".join(types) if types else None, "batch": batch, "owner": owner}
        query = urlencode({name: text for name, text in given.items() if text})
        for event in watch(self._transport, f"/v1/events{'?' if query else ''}{query}", after=after):
            yield change_from_event(event)


def change_from_event(event: Event) -> Change:
    """Read a change; raise ProtocolError where the event is none."""
    with reading("a change"):
        progress = event.data.get("progress") or {}
        kind: Any = event.kind
        return Change(
            kind=kind,
            place=event.id,
            id=str(event.data.get("id", "")),
            status=str(event.data.get("status", "")),
            done=bool(event.data.get("done")),
            counts=event.data.get("counts") or {},
            fraction=progress.get("fraction"),
            raw=event.data,
        )
