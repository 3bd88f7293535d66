"""What runs out of memory is done once more in a smaller form, and the result says so."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from shared.errors import OutOfMemory
from shared.jobs.status import Status
from shared.specs.parts import Lane
from tests.worker.conftest import Bench, Brightness


@dataclass
class Narrow(Brightness):
    """A generator that has memory for `room` latents at once."""

    room: int = 16
    asked: list[tuple[str, int]] = field(default_factory=list)

    def _made(self, form: str, latents: np.ndarray, size: int) -> np.ndarray:
        self.asked.append((form, len(latents)))
        if size > self.room:
            raise OutOfMemory("there is no memory")
        return Brightness.generate(self, latents)

    def generate(self, latents: np.ndarray) -> np.ndarray:
        return self._made("whole", latents, 16)

    def generate_smaller(self, latents: np.ndarray) -> np.ndarray:
        return self._made("smaller", latents, 8)


@pytest.fixture
def model(bench: Bench) -> Narrow:
    bench.model = Narrow()
    return bench.model


def run(bench: Bench, **how: object) -> str:
    job_id = bench.submit(**how)
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    return job_id


def test_a_job_without_memory_is_done_in_a_smaller_form_and_says_so(bench: Bench, model: Narrow) -> None:
    model.room = 8
    job = bench.job(run(bench))
    assert (job.status, job.warnings, job.attempt) == (Status.SUCCEEDED, ("smaller_form",), 1)
    assert [form for form, _ in model.asked] == ["whole", "smaller"]


def test_a_job_with_memory_says_nothing(bench: Bench, model: Narrow) -> None:
    job = bench.job(run(bench))
    assert (job.status, job.warnings) == (Status.SUCCEEDED, ())
    assert [form for form, _ in model.asked] == ["whole"]


def test_the_smaller_form_is_tried_once_an_attempt_and_then_the_attempt_ends(
    bench: Bench, model: Narrow
) -> None:
    model.room = 4
    job = bench.job(run(bench))
    assert (job.status, job.warnings, (job.error or {})["code"]) == (
        Status.FAILED, (), "attempts_exhausted"
    )  # fmt: skip
    assert [form for form, _ in model.asked] == ["whole", "smaller"] * 3
    assert [attempt.code for attempt in job.history] == ["out_of_memory"] * 3
