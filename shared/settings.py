"""Reads the environment: typed settings with defaults and validation. Errors name the wrong variables."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource

from shared.bucket_settings import BucketSettings, bucket_name
from shared.mail_settings import MailSettings
from shared.messages import near, requirement
from shared.network_settings import (
    AccessSettings,
    ApiSettings,
    FetchSettings,
    MetricsSettings,
    ProxySettings,
    RateSettings,
    ServiceAddress,
    WebhookSettings,
)
from shared.place_settings import PlaceRules, Places, read_places
from shared.redis_url import check_files, parse_redis_url
from shared.setting_groups import (
    BatchRules,
    DiskRules,
    Group,
    JobRules,
    Limits,
    OutputRules,
    QuotaRules,
    RecipeRules,
    RedisRules,
    StoreRules,
    WorkerSettings,
)

STORAGE_SCHEMES = frozenset(
    {"file", "memory", "s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl", "https"}
)
MOST_SECRET_BYTES = 65_536  # size limit of a file named by a NAME_FILE variable
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


EXIT_CONFIGURATION = 78  # EX_CONFIG: a start fails until a setting, or the place that it names, is changed


class SettingsError(ValueError):
    """Raised when a variable is unknown, holds nonsense, or names a place of no use; names the variable."""


class _Environment(EnvSettingsSource):
    """Environment variables; for each NAME_FILE, the text of that file becomes NAME."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        found: dict[str, str | None] = dict(super()._load_env_vars())
        # Those that name a file are taken out: to a group of settings they are unknown.
        for name in [n for n in found if n.endswith("_file") and n not in _KNOWN]:
            target, path = name.removesuffix("_file"), found.pop(name)
            if target in _KNOWN and path and target not in found:
                found[target] = _read_secret(name, Path(path))
        return found


def _read_secret(name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:  # also a pipe, such as <(...) in a shell
            text = file.read(MOST_SECRET_BYTES + 1)
        if len(text) > MOST_SECRET_BYTES:
            raise SettingsError(f"{name.upper()}: {path} is larger than {MOST_SECRET_BYTES} bytes")
        return text.decode("utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name.upper()}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name.upper()}: {path} is no text in UTF-8") from error


class Settings(BaseSettings):
    """Everything that may be configured. Variables: REDIS_URL, ATELIER_<FIELD>, ATELIER_<GROUP>_<FIELD>."""

    model_config = SettingsConfigDict(
        env_prefix="ATELIER_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )

    redis_url: str = Field(default=DEFAULT_REDIS_URL, validation_alias="REDIS_URL")
    url: ServiceAddress = ""  # URL for clients and commands; empty: the service of the state folder
    state_dir: Path = Path(".atelier")  # all files of this installation
    storage_url: str = ""  # file://, s3://, gs://, az://; empty: a folder in the state folder
    bucket: BucketSettings = BucketSettings()
    models_dir: Path | None = None  # the model store; empty: a folder in the state folder
    cards_dir: Path | None = None  # the user's own model cards; empty: a folder in the state folder
    places: Places = SecretStr("")  # folders and buckets for batches: {"name": {"url": ..., "access": ...}}
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    limits: Limits = Limits()
    jobs: JobRules = JobRules()
    output: OutputRules = OutputRules()
    recipes: RecipeRules = RecipeRules()
    batches: BatchRules = BatchRules()
    quota: QuotaRules = QuotaRules()
    disk: DiskRules = DiskRules()
    store: StoreRules = StoreRules()
    redis: RedisRules = RedisRules()
    worker: WorkerSettings = WorkerSettings()
    api: ApiSettings = ApiSettings()
    metrics: MetricsSettings = MetricsSettings()
    access: AccessSettings = AccessSettings()
    webhook: WebhookSettings = WebhookSettings()
    mail: MailSettings = MailSettings()
    fetch: FetchSettings = FetchSettings()
    rate: RateSettings = RateSettings()
    proxy: ProxySettings = ProxySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the environment, and nothing else."""
        return init_settings, _Environment(settings_cls)

    @model_validator(mode="after")
    def _check_redis_url(self) -> "Settings":
        check_files(parse_redis_url(self.redis_url))
        return self

    @model_validator(mode="after")
    def _check_patience(self) -> "Settings":
        if (self.bucket.timeout_seconds or 0) >= self.jobs.lease_seconds:
            raise ValueError(
                "ATELIER_BUCKET_TIMEOUT_SECONDS must be below ATELIER_JOBS_LEASE_SECONDS "
                f"({self.jobs.lease_seconds:g})"
            )
        return self

    @field_validator("storage_url")
    @classmethod
    def _is_storage(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in STORAGE_SCHEMES or "://" not in url):
            raise ValueError(
                "give a URL such as file:///srv/pictures, s3://bucket/folder, gs://... or az://..."
            )
        if parts.scheme == "file" and (parts.netloc not in ("", "localhost") or len(parts.path) < 2):
            raise ValueError("a file:// URL takes three slashes and an absolute path: file:///srv/pictures")
        return url

    @model_validator(mode="after")
    def _check_places(self) -> "Settings":
        own = [local for local in (_folder_of(self.storage), self.state_dir.absolute()) if local]
        bucket = bucket_name(self.storage_url, endpoint=self.bucket.endpoint)
        for name, rule in self.place_rules.items():
            folder, other = rule.folder, rule.bucket
            is_own = folder is not None and any(_overlap(folder, local) for local in own)
            if is_own or (bucket and other and bucket.overlaps(other)):
                raise ValueError(
                    f"ATELIER_PLACES: {name} overlaps with what Atelier itself keeps; name another folder"
                )
        return self

    @property
    def place_rules(self) -> PlaceRules:
        """The places that batches may name, by name."""
        return read_places(self.places.get_secret_value())

    @classmethod
    def from_env(cls) -> "Settings":
        """Read and validate the environment; raise SettingsError that names each wrong variable."""
        _refuse_unknown(os.environ)
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("; ".join(map(_fault, error.errors()))) from error

    @property
    def storage(self) -> str:
        """URL of the object storage."""
        return self.storage_url or (self.state_dir.absolute() / "storage").as_uri()

    @property
    def models(self) -> Path:
        """Root folder of the model store."""
        return (self.models_dir or self.state_dir / "models").absolute()

    @property
    def cards(self) -> Path:
        """Folder of the user's own model cards; it may not exist."""
        return (self.cards_dir or self.state_dir / "cards").absolute()

    @property
    def private_webhooks(self) -> bool:
        """Whether jobs that this API accepts may have webhooks in private networks."""
        return self.webhook.private is True

    @property
    def reached_host(self) -> str:
        """The address at which the API is reached, as far as the settings say."""
        return (self.api.published_host or self.api.host).strip("[]")

    @property
    def is_exposed(self) -> bool:
        """Whether others than this machine reach the API."""
        return not is_loopback(self.reached_host)

    def listening_on(self, host: str) -> "Settings":
        """Return these settings with another address of the API."""
        return self.model_copy(update={"api": self.api.model_copy(update={"host": host})})

    @property
    def worker_health(self) -> Path:
        """The health file of the worker of this state folder: its content and its age show the state."""
        return self.state_dir.absolute() / self.worker.health_file


def _folder_of(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _overlap(one: Path, other: Path) -> bool:
    first, second = one.resolve(), other.resolve()
    return first.is_relative_to(second) or second.is_relative_to(first)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fault(found: ErrorDetails) -> str:
    if found["type"] == "value_error":
        return f"{_variable(found['loc'])}{found['msg'].removeprefix('Value error, ')}"
    return f"{_variable(found['loc']).removesuffix(': ')} {requirement(found)}"


def _variable(location: tuple[int | str, ...]) -> str:
    name = "_".join(str(part) for part in location).upper()
    if not name:  # the message already names the variable
        return ""
    return f"{name}: " if name == "REDIS_URL" else f"ATELIER_{name}: "


def _known_variables() -> frozenset[str]:
    names = {"redis_url"}
    for field, info in Settings.model_fields.items():
        if field == "redis_url":
            continue
        group = info.annotation
        if isinstance(group, type) and issubclass(group, Group):
            names |= {f"atelier_{field}_{inner}" for inner in group.model_fields}
        else:
            names.add(f"atelier_{field}")
    return frozenset(names)


_KNOWN = _known_variables()


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in environ:
        plain = name.lower().removesuffix("_file") if name.lower() not in _KNOWN else name.lower()
        if name.startswith("ATELIER_") and plain not in _KNOWN:
            close = [found.upper() for found in near(plain, _KNOWN)]
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise SettingsError(f"{name}: no such setting{hint}")
