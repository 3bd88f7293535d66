"""The groups of settings, one class each: what may be set, its default, its range and unit."""

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MEBIBYTE = 1024 * 1024
WORKER_NAME = r"[a-z0-9][a-z0-9._-]{0,55}"
WORKER_LABELS = rf"^\s*({WORKER_NAME}(\s*,\s*{WORKER_NAME})*)?\s*$"
LONGEST_HOST = 48  # characters of a host's name in that of a worker
Kernels = Literal["plain", "onednn"]  # TensorFlow's own, or those of oneDNN
BLOCK = 4096  # bytes: what a file takes of a disk comes in whole blocks


def blocks(size: int) -> int:
    """Return the bytes that a file of a size takes of a disk."""
    return -(-size // BLOCK) * BLOCK


def listed(text: str) -> list[str]:
    """Return the entries of a setting that is a list, separated by commas."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


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
    max_spec_kibibytes: int = Field(default=1024, ge=16)  # of what one job asks for, in its record
    # Share of the pixels that may be missing if a file ends too early.
    max_missing_percent: float = Field(default=10, ge=0, le=100)

    @property
    def max_body_bytes(self) -> int:
        """Bytes of the largest request body, and of the largest file."""
        return self.max_body_mebibytes * MEBIBYTE

    @property
    def max_spec_bytes(self) -> int:
        """Bytes of the largest job as its record keeps it."""
        return self.max_spec_kibibytes * 1024


class JobRules(Group):
    """How long jobs hold, wait, retry and stay."""

    lease_seconds: float = Field(default=5.0, ge=0.5, le=300)  # a claim expires this long after a heartbeat
    ring_seconds: float = Field(default=2.0, ge=0.1, le=60)  # between notifications of an unclaimed job
    max_attempts: int = Field(default=3, ge=1, le=20)  # attempts that end with a transient error
    crash_budget: int = Field(default=5, ge=1, le=20)  # attempts whose worker died or froze
    backoff_seconds: float = Field(default=0.5, ge=0, le=60)  # first pause; doubles with each failure
    hard_limit_seconds: float = Field(default=900, ge=1)  # an attempt that runs longer ends its worker
    retention_seconds: int = Field(default=7 * 24 * 3600, ge=1)  # terminal jobs stay this long
    max_pinned: int = Field(default=1000, ge=1)  # jobs and batches that an owner may keep for good
    max_ttl_seconds: int = Field(default=30 * 24 * 3600, ge=1)  # the longest that a client may ask for
    max_delay_seconds: int = Field(default=30 * 24 * 3600, ge=0)  # how far ahead `not_before` may be
    tombstone_seconds: int = Field(default=30 * 24 * 3600, ge=1)  # how long their id returns "gone" afterward
    file_retention_seconds: int = Field(default=30 * 24 * 3600, ge=1)  # for a file that no job or style names
    idempotency_seconds: int = Field(default=24 * 3600, ge=1)
    max_events: int = Field(default=1024, ge=16)  # approximate limit of a job's event stream
    usage_days: int = Field(default=400, ge=1)  # for which what jobs took is known by day
    bulk_patience_seconds: float = Field(default=30, ge=0)  # then bulk jobs get turns before interactive jobs

    @property
    def longest_ttl_seconds(self) -> int:
        """The longest `ttl_seconds`: never below what holds without one."""
        return max(self.max_ttl_seconds, self.retention_seconds)


class OutputRules(Group):
    """What results have where their jobs do not say."""

    recipe: bool = True  # each picture holds how it was made
    mark: bool = True  # each picture says that a machine made it, in the words of IPTC
    precision: Literal["exact", "fast"] = "exact"  # of jobs whose model takes both


class RecipeRules(Group):
    """How many recipes each owner may keep on the server, and how large."""

    max_names: int = Field(default=100, ge=1, le=200)
    max_versions: int = Field(default=20, ge=1, le=1000)  # kept of one recipe, the latest
    max_kibibytes: int = Field(default=16, ge=1, le=1024)  # of the settings of one version

    @property
    def max_bytes(self) -> int:
        """Bytes of the settings of one version."""
        return self.max_kibibytes * 1024


class BatchRules(Group):
    """How large batches may be, and how long they may stay open."""

    max_items: int = Field(default=50_000, ge=1, le=1_000_000)
    open_seconds: int = Field(default=24 * 3600, ge=60)  # an open batch is canceled after this
    max_record_mebibytes: int = Field(
        default=256, ge=1
    )  # of the job store's memory, for all items of a batch
    # What the items of one request may ask for together; results are estimated from their sizes.
    max_pictures: int = Field(default=500_000, ge=1)  # files
    max_gigapixels: float = Field(default=1000, gt=0)
    max_result_gibibytes: float = Field(default=1000, gt=0)  # of storage, about
    max_hours: float = Field(default=1000, gt=0)  # of one worker's slot, where the time was measured

    @property
    def max_record_bytes(self) -> int:
        """Bytes of the job store's memory that all items of a batch may take."""
        return self.max_record_mebibytes * MEBIBYTE


class QuotaRules(Group):
    """What each owner may have that has no quota of its own. 0: as much as there is."""

    queued: int = Field(default=0, ge=0)  # jobs that wait, items of batches included
    running: int = Field(default=0, ge=0)  # jobs at once; more wait
    stored_bytes: int = Field(default=0, ge=0)  # of files and results, in whole blocks
    daily_pixels: int = Field(default=0, ge=0)  # of the results of jobs that are accepted on a day (UTC)


class DiskRules(Group):
    """When a storage folder counts as full, and how it is kept tidy. Buckets have no such limits."""

    floor_mebibytes: int = Field(default=256, ge=0)  # new work leaves this free; at most 5 % of the disk
    quota_mebibytes: int = Field(default=0, ge=0)  # new work is refused if objects use more; 0: no quota
    reclaim: Literal["off", "oldest"] = "off"  # before the quota is used up, the oldest results go
    reclaim_min_age_seconds: int = Field(default=24 * 3600, ge=0)  # unless nobody fetched them: then so late
    collect_hours: float = Field(default=24, ge=0)  # between removals of bytes without a record; 0: never


class StoreRules(Group):
    """How much memory the job store may take."""

    memory_mebibytes: int = Field(default=0, ge=0)  # of the embedded server; 0: a quarter of the machine's
    full_percent: int = Field(default=80, ge=1, le=100)  # new work is refused where more of maxmemory is used


class RedisRules(Group):
    """What the servers must have of new work before it counts as accepted."""

    replicas: int = Field(default=0, ge=0, le=10)  # that have it; 0: the primary alone
    replica_seconds: float = Field(default=1, ge=0.05, le=4)  # to wait for them; then 503


class WorkerSettings(Group):
    """One worker process."""

    threads: int = Field(default=4, ge=1, le=64)  # jobs in progress at once
    runners: int = Field(default=0, ge=0, le=64)  # threads that run models; 0: one a core
    intra_threads: int = Field(default=1, ge=1, le=256)  # TensorFlow threads within one call
    kernels: Kernels = "plain"  # which of TensorFlow's own compute; changes bytes
    photo_batch: int = Field(default=1, ge=1, le=64)  # photos of one size in one call, at most; same bytes
    grace_seconds: float = Field(default=20, ge=1)  # from SIGTERM to the release of unfinished jobs
    model_mebibytes: int = Field(default=0, ge=0)  # of all loaded models; 0: half of the machine's memory
    preload: str = ""  # more models to load at the start, comma separated
    lane: Literal["", "interactive", "bulk"] = ""  # it serves this one alone; empty: both
    name: str = Field(default="", pattern=f"^({WORKER_NAME})?$")  # outlives restarts; empty: of the host
    labels: str = Field(default="", pattern=WORKER_LABELS)  # what its operator calls it, comma separated
    health_file: Path = Path("worker.health")  # relative to the state folder

    @property
    def model_bytes(self) -> int:
        """Bytes of memory that all loaded models may take; 0 where it was not set."""
        return self.model_mebibytes * MEBIBYTE

    @property
    def preloaded(self) -> list[str]:
        """The names in `preload`."""
        return listed(self.preload)

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The labels in `labels`, each once."""
        return tuple(dict.fromkeys(listed(self.labels)))

    def name_of(self, number: int, host: str) -> str:
        """Return the name of a host's worker by its number, from 1; a name that was set is the first's."""
        if self.name:
            return self.name if number == 1 else f"{self.name}-{number}"
        word = re.sub(r"[^a-z0-9._-]+", "-", host.lower()).strip("-._")[:LONGEST_HOST]
        return f"{word or 'worker'}-{number}"
