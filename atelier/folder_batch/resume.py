"""Begins a run where the last one left off: what it sent is waited for, what it lacked is sent."""

import re
from collections.abc import Mapping
from contextlib import suppress

from atelier.client.batch_download import GONE
from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.errors import ApiError, ClientError
from atelier.folder_batch.run import FolderRun
from atelier.folder_batch.state_file import StateFile
from atelier.folder_batch.submitter import Submitter

GO_ON = "--new goes on with those of now and makes again what they change; or choose another folder with -o"
LOST = frozenset({"canceled"})  # items whose pictures will not come, though they are wanted
SPOILED = frozenset({"failed", "expired"})


class OtherOptions(ClientError):
    """Raised when an output folder was made with other options than a run has."""


def settle_options(journal: StateFile, options: Mapping[str, str], client: Client, *, anew: bool) -> None:
    """Note how the folder is made; raise OtherOptions where it was made otherwise, unless that is wanted.

    What earlier runs asked for with other options, and is not done, is canceled then.
    """
    known = journal.memory.run
    if known == options:
        return
    is_begun = bool(journal.memory.batches or journal.memory.targets)
    if known and is_begun and not anew:
        other = OtherOptions(_difference(journal, options))
        other.add_note(GO_ON)
        raise other
    if known:
        _forget_unfinished(journal, client)
    journal.note("run", options=dict(options))


def _forget_unfinished(journal: StateFile, client: Client) -> None:
    for batch in [name for name in journal.memory.batches if name not in journal.memory.ended]:
        with suppress(ApiError):
            client.batches.get(batch).cancel()
        journal.note("gone", batch=batch)
    journal.note("unopened")


def _difference(journal: StateFile, options: Mapping[str, str]) -> str:
    known = journal.memory.run
    names = [name for name in {**known, **options} if known.get(name) != options.get(name)]
    told = "; ".join(f"{n}: {known.get(n, 'none')}, now {options.get(n, 'none')}" for n in names)
    changes = re.sub(r"(file_[0-9a-f]{8})[0-9a-f]+", r"\1", told)
    return f"{journal.folder} was made with other options ({changes})."


def take_up(
    client: Client, journal: StateFile, sender: Submitter, folder_run: FolderRun, *, retry: bool
) -> None:
    """Find the batches of earlier runs. With `retry`, what failed in them is tried again."""
    sender.reopen()
    memory = journal.memory
    blamed = {entry.batch for entry in memory.spoiled.values()}
    for batch in list(memory.batches):
        again = retry and batch in blamed
        if batch in memory.ended and not again:
            continue
        try:
            run = client.batches.get(batch)
        except ApiError as error:
            if error.status not in GONE:
                raise
            journal.note("gone", batch=batch)
            continue
        if again:
            _retry(run, journal)
        _adopt(run, sender, folder_run, without=LOST | SPOILED if again else LOST)


def _retry(run: BatchRun, journal: StateFile) -> None:
    with suppress(ApiError):  # a canceled batch, or lost files: those items are sent anew
        run.retry_failed()
    journal.note("again", batch=run.id)


def _adopt(run: BatchRun, sender: Submitter, folder_run: FolderRun, *, without: frozenset[str]) -> None:
    jobs = list(run.jobs())
    if run.batch.raw.get("finalized_at") is None and not run.batch.done:
        sender.adopt(run, [str(job.raw["custom_id"]) for job in jobs])
    folder_run.adopt(run, {str(job.raw["custom_id"]): job.id for job in jobs if job.status not in without})
