"""The groups of settings, one class each: what may be set, its default, its range and unit."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator

from shared.signing_secret import key_of

MEBIBYTE = 1024 * 1024


class Group(BaseModel):
    """What every group of settings keeps to."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Limits(Group):
    """What a request may hold. Enforced before anything is stored."""

    max_body_mebibytes: int = Field(default=32, ge=1, le=1024)
    max_pixels: int = Field(default=64_000_000, ge=1024)
    max_side: int = Field(default=16_384, ge=64)  # pixels
    min_side: int = Field(default=8, ge=1)  # pixels
    max_frames: int = Field(default=48, ge=1, le=1000)  # of animated content
    # Share of the pixels that may be missing if a file ends too early.
    max_missing_percent: float = Field(default=10, ge=0, le=100)

    @property
    def max_body_bytes(self) -> int:
        """Bytes of the largest request body, and of the largest file."""
        return self.max_body_mebibytes * MEBIBYTE


class JobRules(Group):
    """How long jobs hold, wait, retry and stay."""

    lease_seconds: float = Field(default=5.0, ge=0.5, le=300)  # a claim expires this long after a heartbeat
    ring_seconds: float = Field(default=2.0, ge=0.1, le=60)  # between notifications of an unclaimed job
    max_attempts: int = Field(default=3, ge=1, le=20)  # attempts that end with a transient error
    crash_budget: int = Field(default=5, ge=1, le=20)  # attempts whose worker died or froze
    backoff_seconds: float = Field(default=0.5, ge=0, le=60)  # first pause; doubles with each failure
    hard_limit_seconds: float = Field(default=900, ge=1)  # an attempt that runs longer ends its worker
    retention_seconds: int = Field(default=7 * 24 * 3600, ge=1)  # terminal jobs stay this long
    tombstone_seconds: int = Field(default=30 * 24 * 3600, ge=1)  # how long their id returns "gone" afterward
    file_retention_seconds: int = Field(default=30 * 24 * 3600, ge=1)  # for a file that no job or style names
    idempotency_seconds: int = Field(default=24 * 3600, ge=1)
    max_events: int = Field(default=1024, ge=16)  # approximate limit of a job's event stream
    bulk_patience_seconds: float = Field(default=30, ge=0)  # then bulk jobs get turns before interactive jobs


class BatchRules(Group):
    """How large batches may be, and how long they may stay open."""

    max_items: int = Field(default=50_000, ge=1, le=1_000_000)
    open_seconds: int = Field(default=24 * 3600, ge=60)  # an open batch is canceled after this


class DiskRules(Group):
    """When a storage folder counts as full, and how it is kept tidy. Buckets have no such limits."""

    floor_mebibytes: int = Field(default=256, ge=0)  # new work leaves this free; at most 5 % of the disk
    quota_mebibytes: int = Field(default=0, ge=0)  # new work is refused if objects use more; 0: no quota
    collect_hours: float = Field(default=24, ge=0)  # between removals of bytes without a record; 0: never


class WorkerSettings(Group):
    """One worker process."""

    threads: int = Field(default=4, ge=1, le=64)  # jobs in progress at once
    runners: int = Field(default=0, ge=0, le=64)  # threads that run models; 0: one a core
    intra_threads: int = Field(default=1, ge=1, le=256)  # TensorFlow threads within one call
    grace_seconds: float = Field(default=20, ge=1)  # from SIGTERM to the release of unfinished jobs
    preload: str = ""  # more models to load at the start, comma separated
    health_file: Path = Path("worker.health")  # relative to the state folder

    @property
    def preloaded(self) -> list[str]:
        """The names in `preload`."""
        return [name.strip() for name in self.preload.split(",") if name.strip()]


def _service_address(url: str) -> str:
    parts = urlsplit(url)
    try:
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port
        is_whole = False
    if url and not is_whole:
        raise ValueError(f"give an address such as http://127.0.0.1:8480, not {url!r}")
    return url


ServiceAddress = Annotated[str, AfterValidator(_service_address)]  # or empty


class ApiSettings(Group):
    """The HTTP side."""

    host: str = "127.0.0.1"
    port: int = Field(default=8480, ge=0, le=65535)
    threads: int = Field(default=32, ge=2, le=512)
    public_url: ServiceAddress = ""  # base of the links in responses; empty: taken from the request
    max_wait_seconds: float = Field(default=60, ge=0, le=600)  # of Prefer: wait and ?wait=


class WebhookSettings(Group):
    """Whom the service may call back, and how it signs."""

    secret: SecretStr = SecretStr("")  # whsec_..., newest first, separated by spaces; empty: generated
    allow_private: Literal["auto", "true", "false"] = "auto"  # auto: only if the API listens on loopback only

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
