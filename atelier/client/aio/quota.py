"""Made from atelier/client/quota.py by `make async-client`: change that file, not this one."""

from atelier.client.aio.transport import AsyncTransport
from atelier.client.errors import reading
from atelier.client.quota import Identity, Limits, Quota, _key, _path, _quota
from atelier.client.responses import json_of


async def read_identity(transport: AsyncTransport) -> Identity:
    """Return in whose name requests are made."""
    found = json_of(await transport.send("GET", "/v1/keys/self"))
    with reading("an identity"):
        key = None if found["key"] is None else _key(found["key"])
        return Identity(found["owner"], tuple(found["scopes"]), key, raw=found)


async def read_quota(transport: AsyncTransport, owner: str | None) -> Quota:
    """Return an owner's quota; one's own without a name."""
    return _quota(json_of(await transport.send("GET", _path(owner) if owner else "/v1/quota")))


async def write_quota(transport: AsyncTransport, owner: str, limits: Limits) -> Quota:
    """Set an owner's quota; return what then holds."""
    return _quota(json_of(await transport.send("PUT", _path(owner), json=dict(limits))))
