"""A worker that carries out every item of every batch as it comes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from api.services import Services
from shared.errors import AtelierError, JobGone
from shared.identifiers import ANONYMOUS, sha256
from shared.jobs.job import Job
from shared.jobs.status import Status
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker

Verdict = Callable[[Job], AtelierError | None]


def made_of(job: Job) -> bytes:
    """Return the picture that this worker makes of a job: another one for other items."""
    side = 8 + int(
        sha256(job.spec.model_dump_json(include={"content", "styles", "strength"}).encode())[:4], 16
    )
    return png(8 + side % 97, 8 + side % 89)


class BatchWorker:
    """Carries out items one after the other, each fairly often."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._worker = FakeWorker(services)
        self.gate = threading.Event()  # it works while this is set
        self.gate.set()
        self.verdict: Verdict = lambda _: None
        self.warnings: tuple[str, ...] = ()  # of all that it makes
        self.runs: list[str] = []  # ids of the jobs that it carried out

    def round(self, most: int = 1000) -> None:
        """Carry out what is queued now."""
        for batch in self._services.batches.page(ANONYMOUS).items:
            with suppress(JobGone):  # it was deleted meanwhile
                self._carry_out_items(batch.id, most)

    def _carry_out_items(self, batch_id: str, most: int) -> None:
        page = self._services.batches.items(batch_id, ANONYMOUS, status=Status.QUEUED, limit=most)
        for job in page.items:
            if self.gate.is_set():
                self._carry_out(job)

    def _carry_out(self, job: Job) -> None:
        claimed = self._services.store.claim(job.id, "w1")
        if claimed is None:  # its batch lets no further item start
            return
        self.runs.append(job.id)
        error = self.verdict(job)
        if error is None:
            self._worker.succeed(claimed, data=made_of(job), warnings=self.warnings)
        else:
            self._worker.fail(claimed, error)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Work in a thread while the block runs."""
        stopped = threading.Event()

        def work() -> None:
            while not stopped.wait(0.02):
                self.round()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
