"""Addresses that answers carry."""

from urllib.parse import urlsplit

from flask import has_request_context, request

from api.services import services


def base_url() -> str:
    """Return the base of absolute links: as configured, else as the client addressed us."""
    configured = services().settings.api.public_url
    return (configured or request.url_root).rstrip("/")


def job_path(job_id: str) -> str:
    """Return where a job lives below the base."""
    return f"/v1/jobs/{job_id}"


def batch_path(batch_id: str) -> str:
    """Return where a batch lives below the base."""
    return f"/v1/batches/{batch_id}"


def file_path(file_id: str) -> str:
    """Return where a file lives below the base."""
    return f"/v1/files/{file_id}"


def style_path(name: str) -> str:
    """Return where a stored style lives below the base."""
    return f"/v1/styles/{name}"


def delivery_path(delivery_id: str) -> str:
    """Return where a webhook's delivery lives below the base."""
    return f"/v1/webhooks/deliveries/{delivery_id}"


def problem_type(code: str) -> str:
    """Return the stable address that explains an error code, relative to the service's host."""
    configured = services().settings.api.public_url if has_request_context() else ""
    return f"{urlsplit(configured).path.rstrip('/')}/problems/{code}"
