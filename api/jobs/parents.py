"""Outputs of jobs that a request names in the place of pictures: whether it may, and how large they are."""

from collections.abc import Iterable, Iterator

from api.requests.field_errors import combined
from api.services import Services
from shared.errors import AtelierError, JobGone, JobNotFound, OutputNotFound, ParentFailed, UnknownModel
from shared.images.limits import ImageLimits, check_size
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.jobs.submission import MOST_DEPTH
from shared.specs.parts import NamedOutput, PictureSize, output_in
from shared.specs.spec import JobSpec, card_of
from shared.specs.working_size import ContentSpec

_ENDS = {Status.FAILED: "failed", Status.CANCELED: "was canceled", Status.EXPIRED: "expired"}


class Parents:
    """The jobs that an owner's requests name; each is looked up once."""

    def __init__(self, services: Services, owner: str) -> None:
        self._services = services
        self._owner = owner
        self._jobs: dict[str, Job | None] = {}  # by the id that is named
        self._sizes: dict[str, PictureSize | None] = {}  # by the name of the output

    def check(self, spec: JobSpec) -> None:
        """Raise one error that names every field whose output is not there, or never will be."""
        self.look_up(spec.named_outputs)
        faults = list(self.faults(spec))
        if faults:
            raise combined(faults)

    def look_up(self, names: Iterable[str]) -> None:
        """Read the jobs of some outputs, all at once; texts that name no output are passed over."""
        ids = {output.job_id: None for output in map(output_in, names) if output}
        new = [job_id for job_id in ids if job_id not in self._jobs]
        self._jobs |= zip(new, self._services.queries.outputs_of(new, self._owner), strict=True)

    def faults(self, spec: JobSpec) -> Iterator[AtelierError]:
        """Yield what refuses a job because of the outputs that it names, which were looked up."""
        for pointer, name in spec.file_fields():
            output = output_in(name)
            error = self._fault(pointer, output) if output else None
            if error is not None:
                yield error

    def _fault(self, pointer: str, output: NamedOutput) -> AtelierError | None:
        job = self._jobs[output.job_id]
        if job is None:
            return self._absent(pointer, output.job_id)
        if job.status in _ENDS:
            text = f"the job {job.id} {_ENDS[job.status]}, so it has no output; retry it first"
            return ParentFailed.of_field(pointer, text)
        count = self._count(job)
        if count is not None and output.number >= count:
            text = f"the job {job.id} has {count} outputs, from 0 on; there is no output {output.number}"
            return OutputNotFound.of_field(pointer, text)
        return self._fault_of_size(pointer, output)

    def _absent(self, pointer: str, job_id: str) -> AtelierError:
        try:
            self._services.store.get(job_id, self._owner)
        except (JobNotFound, JobGone) as error:
            return type(error).of_field(pointer, error.detail)
        return JobNotFound.of_field(pointer, f"there is no job {job_id}")

    def _fault_of_size(self, pointer: str, output: NamedOutput) -> AtelierError | None:
        size = self.size(output.name)
        try:
            if size is not None:
                check_size(size[:2], ImageLimits.of(self._services.settings.limits), pointer)
        except AtelierError as error:
            return error
        return None

    def _count(self, job: Job) -> int | None:
        """Return how many outputs a job has, or will have; None where its model is not known any more."""
        if job.status is Status.SUCCEEDED:
            return len(job.outputs)
        try:
            return job.spec.made(card_of(job.spec, self._services.catalog), None)[0]
        except UnknownModel:
            return None

    def size(self, name: str, *, most: int = MOST_DEPTH) -> PictureSize | None:
        """Return the size of an output, as it is or as it is expected; None where that is not known.

        `most` is how many jobs in a row are looked at of which each takes what the one before makes.
        """
        output = output_in(name)
        if output is None or not most:
            return None
        if name not in self._sizes:
            self.look_up([name])
            job = self._jobs[output.job_id]
            self._sizes[name] = self._size(job, output.number, most - 1) if job else None
        return self._sizes[name]

    def _size(self, job: Job, number: int, most: int) -> PictureSize | None:
        if not job.outputs[number:]:
            return self._expected(job, most)
        made = job.outputs[number]
        expected = self._expected(job, most) if job.spec.output.format in ("gif", "webp") else None
        return PictureSize(made.width, made.height, expected.frames if expected else 1)

    def _expected(self, job: Job, most: int) -> PictureSize | None:
        """Return the size of what a job makes, by that of its own content."""
        spec = job.spec
        try:
            card = card_of(spec, self._services.catalog)
        except UnknownModel:
            return None
        content = spec.content if isinstance(spec, ContentSpec) else ""
        known = self.size(content, most=most) or self._services.files.sizes(self._owner, [content]).get(
            content
        )
        size, factor = spec.picture_size(card, known), spec.output.factor
        return size and PictureSize(size.width * factor, size.height * factor, size.frames)
