"""What to do about an error of a command: the line below the sentence that says what is wrong."""

import errno
from collections.abc import Mapping

from atelier.client.errors import ApiError, InvalidAddress, ProtocolError, ServiceUnreachable
from atelier.client.job import JobFailed
from shared.errors import AtelierError
from shared.jobs.failures import Failure

_KEY = (
    "ATELIER_API_KEY, ATELIER_API_KEY_FILE or --key-file gives the key; `atelier keys create NAME`, on the "
    "machine of the service, makes one"
)
_OTHER_SERVICE = "is it an Atelier of this version that answers there? --url names another address"
_LOGS = "the log of the service has the reason; where it passes by itself, the same command works later"
_FULL = "make room there; then the same command goes on"


def _listed(what: str) -> str:
    return f"`atelier {what} list` shows those that there are"


# By the code of a problem or of an error on this machine. A code that is not here has a sentence that says by
# itself what is allowed, such as a limit; tests/atelier/display/test_advice.py names those.
_BY_CODE: Mapping[str, str] = {
    "api_key_missing": _KEY,
    "api_key_invalid": _KEY,
    "scope_missing": "`atelier keys create NAME --scope SCOPES`, on the machine of the service, makes one",
    "user_refused": "the operator's proxy has to name another user, or none",
    "unknown_host": "the operator adds names of the service to ATELIER_API_KNOWN_HOSTS",
    "rate_limited": "wait a little; the operator sets how much is let in with ATELIER_RATE_...",
    "quota_exceeded": "wait for what runs, delete what is done, or have the operator run `atelier quota set`",
    "job_not_found": _listed("jobs"),
    "job_gone": "make it again, with a longer time to live or pinned where it shall stay",
    "job_reclaimed": "make it again; the operator gives the job store more room",
    "batch_not_found": _listed("batches"),
    "action_not_found": _listed("actions"),
    "style_not_found": _listed("styles"),
    "worker_not_found": _listed("workers"),
    "pause_not_found": _listed("pauses"),
    "rollout_not_found": "`atelier models versions NAME` shows which version jobs get",
    "key_not_found": _listed("keys"),
    "file_not_found": "upload it again: the same command does",
    "output_not_found": "`atelier jobs show ID` has the outputs that there are",
    "unknown_model": _listed("models"),
    "job_state_conflict": "`atelier jobs show ID` or `atelier batches show ID` says how it stands",
    "parent_failed": "`atelier jobs retry ID` makes the job again that is named; then this one",
    "chain_too_long": "wait until some of them are done, or take the output of a job that is",
    "file_in_use": "delete the jobs and styles that need it first",
    "recipe_missing": "name a picture that Atelier made with its recipe, or the recipe's own file",
    "recipe_invalid": "take the picture as Atelier wrote it: other programs change or drop what is in it",
    "recipe_not_found": _listed("recipes"),
    "too_many_recipes": "`atelier recipes delete NAME` makes room",
    "style_exists": "take another name, or `atelier styles remove NAME` first",
    "too_many_pauses": "`atelier pauses end ID` ends one",
    "webhook_secret_configured": "the operator changes ATELIER_WEBHOOK_SECRET",
    "picture_not_fetched": "download it yourself, and name the file",
    "no_journal": "name the state folder of a stopped installation, such as .atelier",
    "backup_damaged": "take another backup; `atelier backup --check FILE` says whether one is good",
    "record_refused": "restore another backup: this one was not written by Atelier alone",
    "cannot_listen": "stop what listens there, or take another address with --host and --port",
    "stack_failed": "`atelier doctor` says what is wrong with this machine",
    "internal_error": _LOGS,
}
_BY_ERRNO: Mapping[int | None, str] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: "name a place that you may read and write, or change who may",
    errno.EPERM: "name a place that you may read and write, or change who may",
    errno.EROFS: "name a place that can be written",
    errno.ENOENT: "is the path spelled right?",
}


def advice(error: Exception) -> list[str]:
    """Return lines that say what to do next; none where the sentence about the error says it."""
    return [*filter(None, [_own(error)]), *getattr(error, "__notes__", ())]


def _own(error: Exception) -> str:
    if isinstance(error, ServiceUnreachable):
        return "is it running? start it with `atelier up`"
    if isinstance(error, ProtocolError):
        return _OTHER_SERVICE
    if isinstance(error, InvalidAddress):
        return "--url takes addresses such as http://127.0.0.1:8480"
    if isinstance(error, JobFailed):
        return _after_failure(error)
    if isinstance(error, ApiError):
        return _after_response(error)
    if isinstance(error, AtelierError):
        return "" if error.errors else _BY_CODE.get(error.code, "")
    return _BY_ERRNO.get(error.errno, "") if isinstance(error, OSError) else ""


def _after_failure(error: JobFailed) -> str:
    job, look = error.job.id, f"`atelier jobs show {error.job.id}` has its history"
    code = error.job.error.code if error.job.error else ""
    again = f"`atelier jobs retry {job}` makes it again"
    return f"{look}, {again}" if Failure(code, 1, job).is_retryable else look


def _after_response(error: ApiError) -> str:
    if error.errors:  # the sentence has each field, and what it may be
        return ""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.status >= 500:
        return _LOGS
    return _OTHER_SERVICE if "code" not in error.problem else ""
