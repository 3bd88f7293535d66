"""The places that the operator names: folders and buckets that batches read from and write to."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator

from shared.bucket_settings import BucketName, bucket_name
from shared.messages import requirement
from shared.setting_groups import Group

PLACE_NAME = r"[a-z0-9][a-z0-9_-]{0,63}"
Access = Literal["read", "write", "both"]
SCHEMES = frozenset({"file", "s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl"})
OWNER = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # as keys and proxies name owners
# What may be said of a bucket beside its URL, in the words of obstore; another word would end the process.
OPTIONS = frozenset(
    {
        "endpoint", "region", "access_key_id", "secret_access_key", "session_token", "skip_signature",
        "virtual_hosted_style_request", "allow_http", "service_account", "service_account_key",
        "account_name", "account_key", "sas_token",
    }
)  # fmt: skip
_EXAMPLE = '{"photos": {"url": "file:///srv/photos", "access": "read"}}'


class PlaceRule(Group):
    """One place: where it is, and who may do what there."""

    url: str  # file:///folder, s3://bucket/folder, gs://..., az://...; without credentials
    access: Access  # of batches: to read pictures there, to write results there, or both
    owners: tuple[str, ...] | None = None  # who may name it; None: everybody
    options: Mapping[str, SecretStr] = Field(default_factory=dict)  # of a bucket: its endpoint, its keys

    @field_validator("url")
    @classmethod
    def _is_place(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or "://" not in url:
            raise ValueError(
                "give a URL such as file:///srv/photos, s3://bucket/folder, gs://... or az://..."
            )
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("a place's URL has no user, no password and no query; credentials are `options`")
        if parts.scheme == "file" and (parts.netloc not in ("", "localhost") or len(parts.path) < 2):
            raise ValueError("a file:// URL takes three slashes and an absolute path: file:///srv/photos")
        if parts.scheme != "file" and not parts.netloc:
            raise ValueError("the URL of a bucket has its name: s3://bucket/folder")
        return url

    @field_validator("owners")
    @classmethod
    def _are_owners(cls, owners: tuple[str, ...] | None) -> tuple[str, ...] | None:
        wrong = [name for name in owners or () if not OWNER.fullmatch(name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no owner's name")
        return owners

    @field_validator("options")
    @classmethod
    def _are_known(cls, options: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        unknown = sorted(options.keys() - OPTIONS)
        if unknown:
            raise ValueError(f"{unknown[0]} is no option; known are {', '.join(sorted(OPTIONS))}")
        return options

    @property
    def folder(self) -> Path | None:
        """The folder of a file URL; None for a bucket."""
        parts = urlsplit(self.url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    @property
    def bucket(self) -> BucketName | None:
        """The bucket that its URL means; None for a folder."""
        options = {name: value.get_secret_value() for name, value in self.options.items()}
        endpoint, account = options.get("endpoint", ""), options.get("account_name", "")
        return bucket_name(self.url, endpoint=endpoint, account=account)

    def allows(self, owner: str, access: Literal["read", "write"]) -> bool:
        """Whether an owner's batches may read or write there."""
        return self.access in (access, "both") and (self.owners is None or owner in self.owners)


PlaceRules = Mapping[str, PlaceRule]  # by name


def read_places(text: str) -> PlaceRules:
    """Return the places that a JSON text names; raise ValueError that says what is wrong, and where."""
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error}); write places as {_EXAMPLE}") from error
    if not isinstance(found, dict):
        raise ValueError(f"write places as {_EXAMPLE}")
    return {name: _place(name, rule) for name, rule in found.items()}


def _place(name: str, rule: Any) -> PlaceRule:
    if not re.fullmatch(PLACE_NAME, name):
        raise ValueError(f"{name[:80]!r} is no name: small letters, digits, - and _, 64 at most")
    try:
        return PlaceRule.model_validate(rule)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join((name, *map(str, first["loc"])))
        if "options" in first["loc"]:  # whose values are secret
            raise ValueError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None
        own = first["msg"].removeprefix("Value error, ")
        said = f": {own}" if first["type"] == "value_error" else f" {requirement(first)}"
        raise ValueError(f"{where}{said}") from None


def _checked(text: SecretStr) -> SecretStr:
    read_places(text.get_secret_value())
    return text


Places = Annotated[SecretStr, AfterValidator(_checked)]  # the JSON text; secret, as options may be
