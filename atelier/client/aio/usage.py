"""Made from atelier/client/usage.py by `make async-client`: change that file, not this one."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta

from atelier.client.aio.transport import AsyncTransport
from atelier.client.errors import reading
from atelier.client.responses import json_of
from atelier.client.usage import DAYS_AT_ONCE, Usage, _usage


async def read_usage(
    transport: AsyncTransport, since: date | None, until: date | None, owner: str | None
) -> AsyncGenerator[Usage, None]:
    """Yield the usage of days, both included, in their order; without them that of 31 days until today."""
    last = until or datetime.now(UTC).date()
    first = since or last - timedelta(days=DAYS_AT_ONCE - 1)
    whose = {} if owner is None else {"owner": owner}
    while first <= last:
        end = min(last, first + timedelta(days=DAYS_AT_ONCE - 1))
        query = {"since": first.isoformat(), "until": end.isoformat(), **whose}
        page = json_of(await transport.send("GET", "/v1/usage", params=query))
        with reading("usage"):
            for entry in map(_usage, page["data"]):
                yield entry
        first = end + timedelta(days=1)
