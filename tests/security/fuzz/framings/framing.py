"""Requests whose end two readers may see at different places, and what has to become of each.

Each carries a second request, which creates a job, where a reader that is misled would see one.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.identifiers import sha256

SMUGGLED = "smuggled"  # the id of the job that the hidden request would create
HEAD = "POST /v1/jobs HTTP/1.1"
JSON = b'{"type":"generate"}'
HIDDEN = (
    f"PUT /v1/jobs/{SMUGGLED} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(JSON)}\r\n\r\n"
).encode() + JSON
CHUNKED = "Transfer-Encoding: chunked"
LENGTH = f"Content-Length: {len(JSON)}"
ONE_CHUNK = b"%x\r\n%b\r\n" % (len(JSON), JSON)
LAST_CHUNK = b"0\r\n\r\n"
WHOLE = ONE_CHUNK + LAST_CHUNK


class Outcome(StrEnum):
    """What has to become of the bytes."""

    REFUSED = "refused"  # one response, an error, and the connection is closed
    ONE = "one"  # exactly one request is handled, and what follows is not
    ONE_AND_CLOSED = "one and closed"  # as well, and the server closes the connection by itself
    UNFINISHED = "unfinished"  # the body has not come in whole: at most an error
    TWO = "two"  # honest pipelining: both requests are handled


@dataclass(frozen=True, slots=True)
class Framing:
    """Bytes of a connection, and what has to become of them."""

    name: str
    data: bytes
    outcome: Outcome

    @property
    def id(self) -> str:
        """A name that can be part of an address."""
        return sha256(self.name.encode())[:16]


def post(*headers: str, body: bytes = b"", first: str = HEAD, end: str = "\r\n") -> bytes:
    """Return a request with headers that nobody checks."""
    lines = [first, "Host: 127.0.0.1", "Content-Type: application/json", *headers, "", ""]
    return end.join(lines).encode("latin-1") + body


def group(kind: str, outcome: Outcome, shapes: dict[str, bytes]) -> list[Framing]:
    """Return framings of one kind that have to end alike."""
    return [Framing(f"{kind}: {name}", data, outcome) for name, data in shapes.items()]


def chunk(data: bytes) -> bytes:
    """Return a chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)
