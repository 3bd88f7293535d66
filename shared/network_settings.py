"""The groups of settings for what comes and goes over the network: who may do what, from where, how often."""

import re
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from shared.setting_groups import MEBIBYTE, Group, listed
from shared.signing_secret import key_of

API_KEY = r"atl_([0-9a-f]{16})_([0-9a-f]{64})"
API_KEY_FORM = "atl_<16 hex digits>_<64 hex digits>"
_HOST_NAME = re.compile(r"\.?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def without_secrets(url: str) -> str:
    """Return a URL for people: without a user, a password and a query, in which secrets may stand."""
    scheme, slashes, rest = url.partition("://")
    place = rest.rpartition("@")[2].partition("?")[0].partition("#")[0]
    return f"{scheme}{slashes}{place}" if slashes else url


def _service_address(url: str) -> str:
    parts = urlsplit(url)
    try:
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port
        is_whole = False
    if url and not is_whole:
        raise ValueError(f"give an address such as http://127.0.0.1:8480, not {without_secrets(url)!r}")
    return url


ServiceAddress = Annotated[str, AfterValidator(_service_address)]  # or empty


def host_name(text: str) -> str:
    """Return a host's name as clients send it; raise ValueError where it is none."""
    try:
        name = text.lower().encode("idna").decode() if not text.isascii() else text.lower()
    except UnicodeError:
        name = ""
    if _HOST_NAME.fullmatch(name) is None:
        raise ValueError(f"give names of hosts without a port, such as pictures.lan, not {text!r}")
    return name


def origin_of(url: str) -> str:
    """Return the origin of a URL as browsers send it; raise ValueError where the URL has none."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0:
        raise ValueError(f"give origins such as https://gallery.example, not {url!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    ending = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{ending}"


def _host_names(text: str) -> str:
    return ",".join(map(host_name, listed(text)))


def _origins(text: str) -> str:
    for entry in listed(text):
        rest = urlsplit(entry)._replace(scheme="", netloc="").geturl()
        if rest.strip("/") or "@" in entry:
            raise ValueError(f"give origins such as https://gallery.example and no more, not {entry!r}")
    return ",".join(map(origin_of, listed(text)))


HostNames = Annotated[str, AfterValidator(_host_names)]  # separated by commas
OriginList = Annotated[str, AfterValidator(_origins)]  # separated by commas


class ApiSettings(Group):
    """The HTTP side."""

    host: str = "127.0.0.1"
    port: int = Field(default=8480, ge=0, le=65535)
    published_host: str = ""  # where others reach it, if not at `host`: the address of a container's port
    key: SecretStr = SecretStr("")  # the API key that commands and clients send; the service does not read it
    connections: int = Field(default=2000, ge=10, le=50_000)  # at once
    listeners: int = Field(default=1000, ge=1, le=50_000)  # streams, waits and large downloads at once
    threads: int = Field(default=8, ge=1, le=512)  # for what computes or waits for a disk
    public_url: ServiceAddress = ""  # base of the links in responses; empty: taken from the request
    max_wait_seconds: float = Field(default=60, ge=0, le=600)  # of Prefer: wait and ?wait=
    max_stream_seconds: float = Field(default=3600, ge=1, le=86400)  # then clients go on with a new one
    known_hosts: HostNames = ""  # more names by which clients reach it
    allowed_origins: OriginList = ""  # of pages that may use it
    embed_pictures: bool = False  # whether pages of every origin may show pictures
    trusted_proxies: int = Field(default=0, ge=0, le=10)  # whose X-Forwarded-... headers are believed


class MetricsSettings(Group):
    """Where a worker answers Prometheus; the API does so at its own port."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=0, ge=0, le=65535)  # of /metrics; 0: none


class AccessSettings(Group):
    """Who may use the service."""

    bootstrap_key: SecretStr = SecretStr("")  # an admin's key, known from the start; empty: none
    # How long a signed address of a picture is valid at least; at most for twice as long.
    signed_url_seconds: int = Field(default=3600, ge=60, le=7 * 86400)

    @field_validator("bootstrap_key")
    @classmethod
    def _is_key(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value()
        if text and not re.fullmatch(API_KEY, text):
            raise ValueError(f"an API key has the form {API_KEY_FORM}; docs/security.md says how to draw one")
        return key


def _proxy_addresses(text: str) -> str:
    for entry in listed(text):
        try:
            ip_address(entry)
        except ValueError as error:
            raise ValueError(f"give addresses of proxies such as 10.0.0.5, not {entry!r}") from error
    return ",".join(listed(text))


AddressList = Annotated[str, AfterValidator(_proxy_addresses)]  # separated by commas


class ProxySettings(Group):
    """A proxy that knows who its users are."""

    user_header: str = Field(default="", pattern=r"^([A-Za-z][A-Za-z0-9-]*)?$")  # has the user's name
    user_from: AddressList = ""  # the proxies that are believed, as the socket has them

    @model_validator(mode="after")
    def _are_both(self) -> "ProxySettings":
        if bool(self.user_header) != bool(self.user_from):
            raise ValueError("USER_HEADER and USER_FROM go together: the header, and the proxies that set it")
        return self


class RateSettings(Group):
    """How many requests may come; empty: some where requests need a key, else any number; 0: any number."""

    reads_per_minute: int | None = Field(default=None, ge=0)  # GET, of a key or an address; empty: 12,000
    changes_per_minute: int | None = Field(default=None, ge=0)  # what is no read; empty: 3,000
    failures_per_minute: int | None = Field(default=None, ge=0)  # refused for want of a valid key; empty: 600


class FetchSettings(Group):
    """Pictures that a request names by address."""

    enabled: bool = True
    timeout_seconds: float = Field(default=10, ge=0.1, le=60)  # of one picture, redirects included
    max_mebibytes: int = Field(default=32, ge=1, le=1024)  # of one picture; an upload's limit holds too
    allow_private: bool = False  # whether hosts may be in private networks, this machine among them

    @property
    def max_bytes(self) -> int:
        """Bytes of the largest picture that is fetched."""
        return self.max_mebibytes * MEBIBYTE


class WebhookSettings(Group):
    """Whom the service may call back, and how it signs."""

    secret: SecretStr = SecretStr("")  # whsec_..., newest first, separated by spaces; empty: generated
    # auto: the API refuses them; the io worker delivers what the API has accepted
    allow_private: Literal["auto", "true", "false"] = "auto"

    @field_validator("secret")
    @classmethod
    def _are_secrets(cls, secret: SecretStr) -> SecretStr:
        for each in secret.get_secret_value().split():
            key_of(each)
        return secret

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that are set, the newest first."""
        return tuple(self.secret.get_secret_value().split())

    @property
    def private(self) -> bool | None:
        """Whether receivers may be in private networks; None if not configured."""
        return None if self.allow_private == "auto" else self.allow_private == "true"
