"""The settings of buckets: how an S3 server is reached, how long it may take; which bucket a URL means."""

import os
import posixpath
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from shared.setting_groups import Group

LINKS = ("off", "on")  # beside an address
SHARE_OF_LEASE = 0.5  # that one request may take, if no setting says how long
_SHARE_OF_REST = 0.8  # of what a request leaves of the lease: for trying again


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    try:
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port
        is_whole = False
    if url and (not is_whole or parts.query or parts.fragment or "@" in parts.netloc):
        raise ValueError("give an address such as https://s3.example.org or http://10.0.0.5:9000")
    return url.rstrip("/")


def _links(text: str) -> str:
    return text if text in LINKS else _endpoint(text)


Endpoint = Annotated[str, AfterValidator(_endpoint)]  # or empty
LinkRule = Annotated[str, AfterValidator(_links)]


class BucketSettings(Group):
    """How a bucket is reached. Endpoint, region and keys are those of S3; GCS and Azure have variables."""

    endpoint: Endpoint = ""  # of an S3 server; http:// means without TLS; empty: that of AWS
    region: str = ""  # empty: AWS_REGION, else us-east-1
    path_style: bool = True  # the bucket's name stands in the path; otherwise before the endpoint's host
    access_key_id: SecretStr = SecretStr("")  # empty: as the provider's own variables say
    secret_access_key: SecretStr = SecretStr("")
    ca_file: Path | None = None  # certificates that are trusted beside the system's
    links: LinkRule = "off"  # clients fetch from the bucket: on, or the endpoint that they use
    # Of one request; empty: half of the lease. Must be below the lease.
    timeout_seconds: float | None = Field(default=None, ge=0.1, le=300)

    @model_validator(mode="after")
    def _are_both(self) -> "BucketSettings":
        if bool(self.access_key_id.get_secret_value()) != bool(self.secret_access_key.get_secret_value()):
            raise ValueError("ACCESS_KEY_ID and SECRET_ACCESS_KEY go together")
        return self

    def request_seconds(self, lease_seconds: float) -> float:
        """Return how long one request may take."""
        return self.timeout_seconds or lease_seconds * SHARE_OF_LEASE

    def retry_seconds(self, lease_seconds: float) -> float:
        """Return for how long a request that failed is tried again.

        Together with the last try that is less than a lease.
        """
        return (lease_seconds - self.request_seconds(lease_seconds)) * _SHARE_OF_REST


_FAMILIES = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("az", "azure", "abfs", "abfss", "adl"), "azure"),
    "gs": "gs",
}
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")  # of all S3 buckets that name none
_ACCOUNTS = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_AMAZON = "amazonaws.com"  # whose buckets' names are unique in the world


@dataclass(frozen=True, slots=True)
class BucketName:
    """A folder of a bucket."""

    family: str  # the provider's: s3, gs or azure
    server: str  # an S3 server's host and port, an Azure account; "": Amazon's, or not known
    bucket: str
    folder: tuple[str, ...]

    def overlaps(self, other: "BucketName") -> bool:
        """Whether objects of one may be objects of the other."""
        is_one = (self.family, self.bucket) == (other.family, other.bucket)
        depth = min(len(self.folder), len(other.folder))
        return is_one and self._shares_server(other) and self.folder[:depth] == other.folder[:depth]

    def _shares_server(self, other: "BucketName") -> bool:
        is_open = self.family == "azure" and not (self.server and other.server)
        return is_open or self.server == other.server


def bucket_name(url: str, *, endpoint: str = "", account: str = "") -> BucketName | None:
    """Return which bucket a URL means; None where it means a folder, or memory.

    What it leaves open, the endpoint of an S3 server or the account of Azure, is as given, else that of the
    provider's variables.
    """
    parts = urlsplit(url)
    path = tuple(filter(None, posixpath.normpath(f"/{unquote(parts.path)}").split("/")))
    host = (parts.hostname or "").lower()
    if parts.scheme == "https":
        return _of_address(host, _port(parts), path)
    family = _FAMILIES.get(parts.scheme, "")
    if family == "azure":
        in_host = parts.username is not None  # abfss://container@account.dfs.core.windows.net/folder
        owner = host.partition(".")[0] if in_host else account or _variable(_ACCOUNTS)
        return BucketName(family, owner.lower(), (parts.username or host).lower(), path)
    if family == "s3":
        own = dict(parse_qsl(parts.query)).get("endpoint")
        return BucketName(family, _server(own or endpoint or _variable(_ENDPOINTS), host), host, path)
    return BucketName(family, "", host, path) if family else None


def _of_address(host: str, port: int | None, path: tuple[str, ...]) -> BucketName | None:
    """Return what an https:// URL of a provider means."""
    first, _, rest = host.partition(".")
    if rest.startswith(("blob.", "dfs.")):
        return BucketName("azure", first, path[0].lower() if path else "", path[1:])
    if host.endswith(_AMAZON) and not first.startswith("s3"):
        return BucketName("s3", "", host.partition(".s3")[0], path)
    server = _server(f"https://{host}:{port or _DEFAULT_PORTS['https']}", "")
    return BucketName("s3", server, path[0].lower(), path[1:]) if path else None


def _server(endpoint: str, bucket: str) -> str:
    """Return an endpoint's host and port, one for all ways to write them; "" for Amazon's."""
    parts = urlsplit(endpoint)
    host = (parts.hostname or "").lower().rstrip(".").removeprefix(f"{bucket}.")
    if not host or host.endswith(_AMAZON):
        return ""
    given = _port(parts)
    port = "" if given in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{given}"
    return f"{'localhost' if _is_loopback(host) else host}{port}"


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:  # which is told when the bucket is opened
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _variable(names: tuple[str, ...]) -> str:
    return next((found for name in names if (found := os.environ.get(name))), "")
