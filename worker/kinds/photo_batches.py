"""Photos of one size in one call of their network, where a worker is set to it: for GPUs."""

from collections.abc import Sequence

from worker.execution.attempt import Attempt
from worker.execution.batcher import Request
from worker.execution.resources import Resources
from worker.kinds.styles import on_runner
from worker.models.stylization.stylizer import Picture, PreparedStyle, Stylizer

Photo = tuple[Picture, PreparedStyle]


def stylized(photo: Photo, painter: Stylizer, resources: Resources, attempt: Attempt) -> Picture:
    """Paint a photo on a runner, with as many waiting ones of its size as one call may take.

    Each has the bytes that it has alone. A job that crashed a worker before takes none along.
    """
    if resources.photo_batch == 1 or attempt.job.crashes or not painter.takes_several:
        return on_runner(resources, attempt, painter, lambda: painter.stylize(*photo))

    def run(photos: Sequence[Photo]) -> list[Picture]:
        contents, styles = zip(*photos, strict=True)
        return painter.stylize_together(contents, styles)

    request: Request[Photo, Picture] = Request(
        bucket=(painter, photo[0].shape),
        model=painter.card.name,
        payload=photo,
        run=run,
        limit=resources.photo_batch,
        urgent=attempt.is_urgent,
        wanted=lambda: attempt.is_current,
    )
    return resources.batcher.call(request)
