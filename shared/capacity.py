"""What the live workers have for the jobs of one lane: what their places and times count on."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.specs.parts import Lane
from shared.workers import Worker, slots_of


@dataclass(frozen=True, slots=True)
class Capacity:
    """The workers of a lane."""

    slots: int  # jobs that they run at once without slowing each other down
    alone: int = 0  # of these slots, those of workers that serve no other lane
    alone_ids: frozenset[str] = frozenset()  # of these workers
    elsewhere: frozenset[str] = frozenset()  # ids of live workers whose jobs take none of the slots

    @property
    def is_shared(self) -> bool:
        """Whether jobs of the other lane take slots too; so they do where nobody knows the workers."""
        return self.alone < self.slots or not self.slots


def capacity_of(workers: Iterable[Worker], lane: Lane) -> Capacity:
    """Return what workers have for a lane: cordoned ones have nothing, nor those of the other lane alone."""
    live = list(workers)
    able = [worker for worker in live if worker.takes_jobs and worker.serves(lane)]
    alone = [worker for worker in able if worker.lane]
    ids = [frozenset(worker.id for worker in some) for some in (live, able, alone)]
    return Capacity(slots_of(able), slots_of(alone), ids[2], ids[0] - ids[1])
