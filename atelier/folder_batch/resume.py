"""Resumes the batches of earlier runs, after a check that the folder was made with the same options."""

import re
from collections.abc import Mapping
from contextlib import suppress

from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.downloads import GONE
from atelier.client.errors import ApiError, ClientError
from atelier.folder_batch.run import FolderRun
from atelier.folder_batch.state_file import StateFile
from atelier.folder_batch.submitter import Submitter

GO_ON = "--new goes on with those of now and makes again what they change; or choose another folder with -o"
LOST = frozenset({"canceled"})  # statuses of items whose pictures will not come
FAILED = frozenset({"failed", "expired"})


class OtherOptions(ClientError):
    """Raised when an output folder was made with other options than a run has."""


def check_options(
    state_file: StateFile, options: Mapping[str, str], client: Client, *, replace: bool
) -> None:
    """Note the options of the folder; raise OtherOptions where it was made with others, unless `replace`.

    With `replace`, the unfinished batches of earlier runs are canceled.
    """
    known = state_file.state.run
    if known == options:
        return
    is_begun = bool(state_file.state.batches or state_file.state.targets)
    if known and is_begun and not replace:
        other = OtherOptions(_difference(state_file, options))
        other.add_note(GO_ON)
        raise other
    if known:
        _forget_unfinished(state_file, client)
    state_file.note("run", options=dict(options))


def _forget_unfinished(state_file: StateFile, client: Client) -> None:
    for batch in [name for name in state_file.state.batches if name not in state_file.state.ended]:
        with suppress(ApiError):
            client.batches.get(batch).cancel()
        state_file.note("gone", batch=batch)
    state_file.note("unopened")


def _difference(state_file: StateFile, options: Mapping[str, str]) -> str:
    known = state_file.state.run
    names = [name for name in {**known, **options} if known.get(name) != options.get(name)]
    differences = "; ".join(f"{n}: {known.get(n, 'none')}, now {options.get(n, 'none')}" for n in names)
    changes = re.sub(r"(file_[0-9a-f]{8})[0-9a-f]+", r"\1", differences)
    return f"{state_file.folder} was made with other options ({changes})."


def resume_batches(
    client: Client, state_file: StateFile, submitter: Submitter, folder_run: FolderRun, *, retry: bool
) -> None:
    """Wait for the batches of earlier runs. With `retry`, their failed items run again."""
    submitter.reopen()
    state = state_file.state
    blamed = {entry.batch for entry in state.failed.values()}
    for batch in list(state.batches):
        again = retry and batch in blamed
        if batch in state.ended and not again:
            continue
        try:
            run = client.batches.get(batch)
        except ApiError as error:
            if error.status not in GONE:
                raise
            state_file.note("gone", batch=batch)
            continue
        if again:
            _retry(run, state_file)
        _adopt(run, submitter, folder_run, without=LOST | FAILED if again else LOST)


def _retry(run: BatchRun, state_file: StateFile) -> None:
    with suppress(ApiError):  # a canceled batch, or lost files: those items are sent again
        run.retry_failed()
    state_file.note("again", batch=run.id)


def _adopt(run: BatchRun, submitter: Submitter, folder_run: FolderRun, *, without: frozenset[str]) -> None:
    jobs = list(run.jobs())
    if run.batch.raw.get("finalized_at") is None and not run.batch.done:
        submitter.adopt(run, [str(job.raw["custom_id"]) for job in jobs])
    folder_run.adopt(run, {str(job.raw["custom_id"]): job.id for job in jobs if job.status not in without})
