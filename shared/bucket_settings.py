"""The settings of buckets: where an S3 server is, its keys, how long it may take, who else reaches it."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

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
