"""Where objects lie in storage: every key is spelled here and nowhere else."""

import secrets

INPUTS = "inputs/"  # uploads
OUTPUTS = "outputs/"  # results and previews; the scripts of the job store spell this one too


def input_key(owner: str, digest: str) -> str:
    """Return a fresh key for an upload. Never reused, so that a delete cannot hit a later upload."""
    return f"{INPUTS}{owner}/{digest}/{secrets.token_hex(8)}"


def output_key(job_id: str, attempt: int, index: int, extension: str) -> str:
    """Return the key of an output. It carries the attempt, so that attempts never overwrite each other."""
    return f"{attempt_prefix(job_id, attempt)}{index}.{extension}"


def preview_key(job_id: str, attempt: int, step: int) -> str:
    """Return the key of a picture of the work after so many steps; it lives and dies with the outputs."""
    return f"{attempt_prefix(job_id, attempt)}previews/{step}.jpg"


def attempt_prefix(job_id: str, attempt: int) -> str:
    """Return the prefix of all that one attempt stores."""
    return f"{OUTPUTS}{job_id}/{attempt}/"
