"""How a bucket is reached: what its URL and the settings say, as obstore takes it.

An S3 URL may say all by itself: s3://ID:SECRET@bucket/folder?endpoint=https://host&region=here&path_style=true.
What it says goes before the settings, and these before the variables of the provider.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import ValidationError

from shared.bucket_settings import BucketSettings
from shared.place_settings import PlaceRule
from shared.setting_groups import JobRules
from shared.settings import Settings
from shared.small_file import read_small
from shared.storage.setting_names import OWN, PLACE, SettingNames

URL_OPTIONS = ("endpoint", "region", "path_style")
_S3 = ("s3", "s3a")
_LONGEST_CONNECT_SECONDS = 5.0
_MOST_RETRIES = 50  # the time allows fewer
# A place that does not answer is given up soon: what waits for it is tried again later.
_PLACE_SECONDS, _PLACE_RETRY_SECONDS = 60.0, 20.0


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """A bucket, and how it is reached."""

    url: str  # names the bucket and a folder in it, and nothing else
    config: Mapping[str, Any] = field(repr=False)  # of the provider; holds secrets
    client_options: Mapping[str, Any]
    timeout_seconds: float  # of one request
    retry_seconds: float  # in which a request that failed is tried again
    links: str = "off"  # whether clients reach the bucket: on, or at which endpoint
    names: SettingNames = OWN  # which its errors name

    @property
    def retry_config(self) -> dict[str, Any]:
        """How often and how long a request is tried again."""
        backoff = {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=1), "base": 2}
        retry_timeout = timedelta(seconds=self.retry_seconds)
        return {"max_retries": _MOST_RETRIES, "retry_timeout": retry_timeout, "backoff": backoff}

    @property
    def signing_config(self) -> dict[str, Any]:
        """The same bucket as clients reach it."""
        return {**self.config, **({} if self.links == "on" else self._at(self.links))}

    def _at(self, endpoint: str) -> dict[str, str]:
        is_named = self.config.get("virtual_hosted_style_request")
        place = _before_host(endpoint, _bucket_of(self.url)) if is_named else endpoint
        return {"endpoint": place}


def bucket_access(url: str, settings: Settings | None = None) -> BucketAccess:
    """Return how the bucket of a URL is reached; raise ValueError for a URL with unknown options.

    Without settings their defaults count.
    """
    rules = settings.bucket if settings else BucketSettings()
    lease = (settings.jobs if settings else JobRules()).lease_seconds
    plain, own = _taken_apart(url)
    rules = _with_own(rules, own)
    is_s3 = urlsplit(url).scheme in _S3
    timeout = rules.request_seconds(lease)
    return BucketAccess(
        url=plain,
        config=_s3_config(plain, rules) if is_s3 else {},
        client_options=_client_options(
            timeout, is_plain=rules.endpoint.startswith("http:"), ca_file=rules.ca_file
        ),
        timeout_seconds=timeout,
        retry_seconds=rules.retry_seconds(lease),
        links=rules.links,
    )


def place_access(rule: PlaceRule, ca_file: Path | None = None) -> BucketAccess:
    """Return how the bucket of a place is reached; raise ValueError where that cannot be as it says.

    `ca_file` has certificates that are trusted beside the system's.
    """
    options = {name: value.get_secret_value() for name, value in rule.options.items()}
    is_plain = options.pop("allow_http", "").lower() == "true"
    if "endpoint" in options and urlsplit(rule.url).scheme in _S3:
        _refuse_other_endpoint("the endpoint of a place")
    client = _client_options(_PLACE_SECONDS, is_plain=is_plain, ca_file=ca_file)
    return BucketAccess(rule.url, options, client, _PLACE_SECONDS, _PLACE_RETRY_SECONDS, names=PLACE)


def _taken_apart(url: str) -> tuple[str, dict[str, Any]]:
    """Return an S3 URL without options, and these; another URL is as it is."""
    parts = urlsplit(url)
    if parts.scheme not in _S3:
        return url, {}
    own: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(own.keys() - set(URL_OPTIONS)):
        raise ValueError(f"{unknown[0]!r} is no option of a bucket's URL; known: {', '.join(URL_OPTIONS)}")
    if parts.username:
        own["access_key_id"] = unquote(parts.username)
        own["secret_access_key"] = unquote(parts.password or "")
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}", own


def _with_own(rules: BucketSettings, own: Mapping[str, Any]) -> BucketSettings:
    """Return the rules with what the URL says for itself; raise ValueError that repeats no value."""
    if not own:
        return rules
    try:
        return BucketSettings.model_validate({**dict(rules), **own})
    except ValidationError as error:
        faults = (": ".join([*map(str, each["loc"]), each["msg"]]) for each in error.errors())
        raise ValueError("; ".join(faults)) from None


def _s3_config(url: str, rules: BucketSettings) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if rules.region:
        config["region"] = rules.region
    if rules.access_key_id.get_secret_value():
        config["access_key_id"] = rules.access_key_id.get_secret_value()
        config["secret_access_key"] = rules.secret_access_key.get_secret_value()
    if not rules.path_style:
        config["virtual_hosted_style_request"] = True
    if rules.endpoint:
        _refuse_other_endpoint("an endpoint of Atelier's own")
        place = rules.endpoint if rules.path_style else _before_host(rules.endpoint, _bucket_of(url))
        config["endpoint"] = place
    return config


def _refuse_other_endpoint(beside: str) -> None:
    if os.environ.get("AWS_ENDPOINT_URL_S3"):  # the library puts it before what it is told
        raise ValueError(f"AWS_ENDPOINT_URL_S3 is set beside {beside}: unset one of them")


def _bucket_of(url: str) -> str:
    return urlsplit(url).netloc


def _before_host(endpoint: str, bucket: str) -> str:
    scheme, _, place = endpoint.partition("://")
    return f"{scheme}://{bucket}.{place}"


def _certificates(path: Path) -> bytes:
    try:
        return read_small(path)
    except OSError as error:
        raise ValueError(f"ATELIER_BUCKET_CA_FILE: cannot read {path}: {error.strerror}") from error


def _client_options(timeout_seconds: float, *, is_plain: bool, ca_file: Path | None) -> dict[str, Any]:
    connect_seconds = min(timeout_seconds, _LONGEST_CONNECT_SECONDS)
    options: dict[str, Any] = {
        "timeout": timedelta(seconds=timeout_seconds),
        "connect_timeout": timedelta(seconds=connect_seconds),
        # obstore forgets its own variable where it is given any option.
        "allow_http": is_plain or os.environ.get("AWS_ALLOW_HTTP") == "true",
    }
    if ca_file is not None:
        options["root_certificate"] = _certificates(ca_file)
    return options
