"""How a call of a tool reaches the service: at which address, with whose key, and which files it may read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from atelier.client.aio.client import AsyncClient
from atelier.mcp_server.errors import plain_errors

ANSWER_SECONDS = 15.0  # for one response of the service: hosts give up a call after 60 s
RETRIES = 2


@dataclass(frozen=True, slots=True)
class Door:
    """One service, and what callers of this server may do there."""

    url: str
    key: str | None = field(default=None, repr=False)  # None: what the environment says
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca: Path | None = None
    folders: tuple[Path, ...] | None = None  # whose pictures may be read; None: any
    lends_key: bool = True  # else each call has a key of its own, or none

    @asynccontextmanager
    async def client(self, sent: Mapping[str, str] | None) -> AsyncIterator[AsyncClient]:
        """Return a client for one call, whose HTTP headers are given; errors become ones of the tool."""
        key = self.key if self.lends_key else _bearer(sent or {})
        with plain_errors():
            async with AsyncClient(
                self.url,
                key=key,
                headers=self.headers,
                ca=self.ca,
                timeout_seconds=ANSWER_SECONDS,
                retries=RETRIES,
            ) as client:
                yield client


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
