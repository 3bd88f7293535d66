"""After each kind of error a command says what to do, unless the sentence about the error says it."""

import errno
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import atelier
import shared
from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError, InvalidAddress, ProtocolError, ServiceUnreachable
from atelier.client.job import JobFailed
from atelier.display.advice import advice
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.errors import AtelierError, InvalidRequest
from tests.support.jobs.fake_worker import FakeWorker

# Their sentences end with what to do, or with the limit that was passed.
SAY_IT = {
    "body_too_large", "idempotency_key_reused", "image_too_large", "image_too_small", "invalid_request",
    "too_many_frames", "unsupported_image_format", "corrupt_image", "model_card_unusable",
    "model_unavailable", "model_corrupt", "store_unavailable", "store_full", "storage_unavailable",
    "out_of_disk", "unsafe_folder", "record_too_new", "state_folder_busy", "no_installation",
    "installation_running", "backup_too_new", "installation_not_empty", "journal_in_use", "nothing_chosen",
}  # fmt: skip
# No command meets these: they are of attempts, of deliveries, of stored bytes, and of batches at places.
INSIDE = {
    "out_of_memory", "worker_lost", "time_limit_exceeded", "attempts_exhausted", "lease_lost", "job_canceled",
    "deadline_exceeded", "object_not_found", "delivery_not_found", "unknown_record",
    "object_damaged", "place_unavailable", "place_unknown", "source_too_large", "batch_canceled",
    "name_refused", "name_taken",
}  # fmt: skip


def kinds(base: type[AtelierError] = AtelierError) -> Iterator[type[AtelierError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


def codes() -> set[str]:
    """Return the codes of all errors that commands can meet, by themselves or from the store."""
    for package in (atelier, shared):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return {kind.code for kind in kinds() if kind.__module__.startswith(("atelier.", "shared."))}


def test_each_code_has_advice_or_a_sentence_that_says_it() -> None:
    known = codes()
    silent = {code for code in known if not advice(ApiError({"code": code}, status=409))}
    assert silent == (SAY_IT | INSIDE) & known
    assert known >= SAY_IT | INSIDE


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ServiceUnreachable("no"), "`atelier up`"),
        (ProtocolError("no"), "--url"),
        (InvalidAddress("no"), "http://127.0.0.1:8480"),
        (ApiError({"title": "Not Found"}, status=404), "--url"),
        (ApiError({"code": "strange"}, status=500), "log"),
        (ApiError({"code": "api_key_missing"}, status=401), "ATELIER_API_KEY"),
        (OSError(errno.ENOSPC, "full", "out"), "room"),
        (PermissionError(errno.EACCES, "no", "out"), "may"),
    ],
)
def test_each_kind_of_error_has_its_own_advice(error: Exception, words: str) -> None:
    (line,) = advice(error)
    assert words in line


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest.of_field("/seed", "seed must be at least 0"),
        ApiError({"code": "invalid_request", "errors": [{"pointer": "/a", "detail": "b"}]}, status=422),
        ValueError("no"),
    ],
)
def test_a_fault_of_a_field_needs_none(error: Exception) -> None:
    assert advice(error) == []


def test_notes_come_after_the_advice() -> None:
    error = ServiceUnreachable("no")
    error.add_note("it goes on")
    assert advice(error)[1:] == ["it goes on"]


def test_a_failed_job_is_made_again_only_where_that_may_help(client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create({"type": "generate"})
    worker.fail(worker.claim(job.id))
    (broken,) = advice(JobFailed(client.jobs.get(job.id)))
    assert ("jobs show" in broken, "jobs retry" in broken) == (True, False)
    other = client.jobs.create({"type": "generate"})
    client.jobs.cancel(other)
    (canceled,) = advice(JobFailed(client.jobs.get(other.id)))
    assert "jobs show" in canceled


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("jobs show job_none", 2, "`atelier jobs list`"),
        ("batches show batch_none", 2, "`atelier batches list`"),
        ("actions show action_none", 2, "`atelier actions list`"),
        ("jobs list --owner x", 2, "--help"),
    ],
)
def test_commands_print_it_below_the_error(url: str, line: str, status: int, words: str) -> None:
    answer = CliRunner().invoke(main, ["--url", url, *line.split()])
    assert (answer.exit_code, answer.stdout) == (status, "")
    assert words in answer.stderr


def test_a_service_with_keys_says_where_a_key_comes_from(
    url: str, services: Services, tmp_path: Path
) -> None:
    KeyStore(services.store.scripts).create("ada", owner="ada", scopes=DEFAULT_SCOPES)
    answer = CliRunner().invoke(main, ["--url", url, "jobs", "list"], env={"ATELIER_API_KEY": ""})
    assert (answer.exit_code, "`atelier keys create NAME`" in answer.stderr) == (2, True)
