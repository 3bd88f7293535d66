"""The keys of objects in storage. All keys are built here and nowhere else."""

import secrets

INPUTS = "inputs/"  # uploads
OUTPUTS = "outputs/"  # results and previews; the scripts of the job store use this prefix too


def input_key(owner: str, digest: str) -> str:
    """Return a fresh key for an upload. Never reused, so that a delete cannot hit a later upload."""
    return f"{INPUTS}{owner}/{digest}/{secrets.token_hex(8)}"


def output_key(job_id: str, attempt: int, index: int, extension: str) -> str:
    """Return the key of an output. It carries the attempt, so that attempts never overwrite each other."""
    return f"{attempt_prefix(job_id, attempt)}{index}.{extension}"


def preview_key(job_id: str, attempt: int, step: int) -> str:
    """Return the key of the preview after `step` steps; it is deleted together with the outputs."""
    return f"{attempt_prefix(job_id, attempt)}previews/{step}.jpg"


def attempt_prefix(job_id: str, attempt: int) -> str:
    """Return the prefix of all objects of one attempt."""
    return f"{OUTPUTS}{job_id}/{attempt}/"
