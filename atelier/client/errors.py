"""What the client raises; JobFailed, WaitTimeout and NotSaved are in job, polling and batch_download."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


class ClientError(Exception):
    """Base of every error that the client raises by itself."""


class InvalidValue(ClientError, ValueError):
    """Raised before anything is sent: a value that JSON does not have, such as NaN, or no duration."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one field, as a problem document names it."""

    pointer: str  # JSON Pointer into the request; "" means the whole body
    detail: str
    code: str

    @property
    def field(self) -> str:
        """The field's name as people write it: `styles.0.image`."""
        return self.pointer.strip("/").replace("/", ".")

    @property
    def sentence(self) -> str:
        """What is wrong, with the field's name in it, once."""
        named = [name for name in self.field.split(".") if name and not name.isdigit()][-1:]
        if all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", self.detail) for name in named):
            return self.detail
        return f"{self.field}: {self.detail}"

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Fault":
        """Read one entry of `errors`."""
        return cls(*(str(entry.get(name, "")) for name in ("pointer", "detail", "code")))


class ApiError(ClientError):
    """Raised when the service responds with a problem; `code` is stable, `detail` is for people.

    `subject` is the path of the file that was uploaded, "" where the problem is not about one;
    `retry_after_seconds` is when the service says that asking again is worth it, None where it does not say.
    """

    def __init__(
        self,
        problem: Mapping[str, Any],
        *,
        status: int,
        subject: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        self.subject = subject
        self.retry_after_seconds = retry_after_seconds
        self.problem = dict(problem)
        self.status = status  # of HTTP
        self.code = str(problem.get("code") or f"http_{status}")
        self.title = str(problem.get("title") or f"HTTP {status}")
        self.detail = str(problem.get("detail") or self.title)
        self.errors = tuple(Fault.from_json(entry) for entry in problem.get("errors") or ())
        super().__init__(self._line())

    def _line(self) -> str:
        if self.subject:
            return f"{self.subject}: {self.detail}"
        if self.errors:
            return "; ".join(fault.sentence for fault in self.errors)
        return self.detail if "code" in self.problem else f"{self.title}: {self.detail}"


class InvalidAddress(ClientError, ValueError):
    """Raised when the base URL of a service is no http or https address."""


class ServiceUnreachable(ClientError):
    """Raised when no connection could be made, or kept, after every retry.

    `absent`: nothing responds at the address and nothing ever did, so no retry was made.
    `job_id` is the job that was waited for, "" where none was; it goes on once the service runs again.
    """

    def __init__(self, message: str, *, absent: bool = False, job_id: str = "") -> None:
        self.absent, self.job_id = absent, job_id
        super().__init__(message)


class ProtocolError(ClientError):
    """Raised when a response is not what this version of the client understands."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Raise ProtocolError where the document that the block reads lacks a member; `what` it should be."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"the answer is not {what} as this version of the client knows it") from error
