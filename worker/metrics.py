"""What a worker tells Prometheus of its jobs: how long they waited and ran, and what their stages took."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Histogram

from shared.jobs.job import Job

# Of a wait: somebody notices from a tenth of a second on; bulk work may wait for hours.
WAIT_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
# Of a run: digits take some 10 ms, photos 0.2 s to a few seconds, paintings by optimization minutes, and the
# hard limit is 900 s. Up to 10 s no bound is more than 2.5 times the one before, for good quantiles.
RUN_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
# Of a stage: reading and storing take milliseconds. Fewer, as there is a row for each model and stage.
STAGE_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300, 900)
# Of a micro-batch: the generator takes up to 64 latents in a call, photos are as many as a setting says.
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)


class Observer:
    """Is told of jobs as they go. This one keeps nothing."""

    def claimed(self, job: Job) -> None:
        """Note that an attempt began."""

    def succeeded(self, model: str, seconds: float, timings: Mapping[str, float]) -> None:
        """Note that an attempt succeeded, its time since the claim, and the seconds of its stages."""

    def called(self, model: str, requests: int) -> None:
        """Note how many requests, mostly of a job each, one call of a network served."""


class JobMetrics(Observer):
    """Keeps histograms. Models are those of the catalogue: only what has a card is run."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def histogram(name: str, text: str, labels: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"atelier_{name}", text, labels.split(), buckets=buckets, registry=registry)

        text = "From when a job might start until a worker claimed it, pauses included."
        self._waits = histogram("job_wait_seconds", text, "lane", WAIT_BUCKETS)
        text = "Attempts that succeeded, from the claim to the stored outcome."
        self._runs = histogram("job_run_seconds", text, "model", RUN_BUCKETS)
        self._stages = histogram("job_stage_seconds", "Their stages.", "model stage", STAGE_BUCKETS)
        text = "Requests that one call of a network served, where it takes several."
        self._calls = histogram("micro_batch_requests", text, "model", BATCH_BUCKETS)

    def claimed(self, job: Job) -> None:
        """Note how long the job waited, unless it waited for another one, whose picture it takes."""
        if not job.parents and job.started_at is not None:
            waited = job.started_at - max(job.created_at, job.not_before)
            self._waits.labels(job.lane).observe(max(0, waited) / 1000)

    def succeeded(self, model: str, seconds: float, timings: Mapping[str, float]) -> None:
        """Note how long an attempt ran, and its stages."""
        self._runs.labels(model).observe(seconds)
        for stage, spent in timings.items():
            self._stages.labels(model, stage).observe(spent)

    def called(self, model: str, requests: int) -> None:
        """Note the size of a micro-batch."""
        self._calls.labels(model).observe(requests)
