"""What REDIS_URL may be: the address of a server, or of Sentinels, who know where the primary is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

REDIS_PORT, SENTINEL_PORT = 6379, 26379
SENTINELS = frozenset({"sentinel", "sentinels"})  # the second is over TLS, to the servers as well
_OVER_TLS = frozenset({"rediss", "sentinels"})
SCHEMES = frozenset({"redis", "rediss", "unix"}) | SENTINELS
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS = (*_FILES, "ssl_cert_reqs", "ssl_check_hostname")
_OF_SENTINELS = ("service", "sentinel_username", "sentinel_password")
_CHOICES = {
    "ssl_cert_reqs": ("required", "optional", "none"),
    "ssl_check_hostname": ("true", "false"),
}


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A REDIS_URL, taken apart."""

    scheme: str
    hosts: tuple[tuple[str, int], ...]  # of the server or the Sentinels; () for a socket
    path: str  # of the socket
    database: int
    username: str | None
    password: str | None = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)  # after the question mark

    @property
    def has_sentinels(self) -> bool:
        """Whether Sentinels say where the primary is."""
        return self.scheme in SENTINELS

    @property
    def service(self) -> str:
        """The name by which Sentinels know the primary."""
        return self.options["service"]

    @property
    def tls(self) -> dict[str, str | bool]:
        """The arguments of redis-py and kombu for TLS, {} without it; to verify is the default."""
        if self.scheme not in _OVER_TLS:
            return {}
        required = self.options.get("ssl_cert_reqs", "required")
        checked = self.options.get("ssl_check_hostname", "true") == "true" and required != "none"
        files = {name: self.options[name] for name in _FILES if name in self.options}
        return {**files, "ssl_cert_reqs": required, "ssl_check_hostname": checked}

    @property
    def login(self) -> dict[str, str]:
        """The arguments of redis-py for the server's user."""
        return _present(username=self.username, password=self.password)

    @property
    def sentinel_login(self) -> dict[str, str]:
        """The arguments of redis-py for the Sentinels' user."""
        name, password = (self.options.get(f"sentinel_{part}") for part in ("username", "password"))
        return _present(username=name, password=password)

    @property
    def broker(self) -> str:
        """The URL for Celery, without what stands in `tls`; each Sentinel has one, with all that it needs."""
        user = f"{_quoted(self.username)}:{_quoted(self.password)}@" if self.login else ""
        if not self.hosts:
            database = f"?virtual_host={self.database}" if self.database else ""
            return f"redis+socket://{user}{self.path}{database}"
        scheme = "sentinel" if self.has_sentinels else "redis"
        places = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return ";".join(f"{scheme}://{user}{place}/{self.database}" for place in places)


def parse_redis_url(url: str) -> RedisUrl:
    """Return a REDIS_URL taken apart; raise ValueError, which names REDIS_URL and what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or "://" not in url:
        raise ValueError(
            "REDIS_URL must start with redis://, rediss://, unix://, sentinel:// or sentinels://"
        )
    user, _, places = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    options = _options(parts.scheme, parts.query)
    is_socket = parts.scheme == "unix"
    return RedisUrl(
        scheme=parts.scheme,
        hosts=() if is_socket else _hosts(parts.scheme, places),
        path=unquote(parts.path) if is_socket else "",
        database=_database(options.get("db") or ("" if is_socket else parts.path.strip("/"))),
        username=unquote(name) or None,
        password=unquote(password) or None,
        options=options,
    )


def _hosts(scheme: str, places: str) -> tuple[tuple[str, int], ...]:
    names = places.split(",")
    if len(names) > 1 and scheme not in SENTINELS:
        raise ValueError(
            "REDIS_URL names several hosts: only sentinel:// and sentinels:// take more than one"
        )
    default = SENTINEL_PORT if scheme in SENTINELS else REDIS_PORT
    return tuple(_host(name, default) for name in names)


def _host(place: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{place}")
        port = parts.port
    except ValueError as error:
        raise ValueError("REDIS_URL must have a port from 0 to 65535, or none") from error
    return parts.hostname or "localhost", default_port if port is None else port


def _database(text: str) -> int:
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError("REDIS_URL must end with the number of a database, such as /0, or with none")
    return int(text or 0)


def _options(scheme: str, query: str) -> dict[str, str]:
    found = dict(parse_qsl(query, keep_blank_values=True))
    known = ["db", *(_TLS if scheme in _OVER_TLS else ()), *(_OF_SENTINELS if scheme in SENTINELS else ())]
    if "@" in query and not found.keys() <= set(known):  # they are parts of a password, and not to be shown
        raise ValueError("REDIS_URL: percent-encode what is special in the password: ? is %3F, and @ is %40")
    for name, value in found.items():
        if name not in known:
            raise ValueError(f"REDIS_URL: {scheme}:// takes no {name!r}, but {', '.join(known)}")
        if value not in _CHOICES.get(name, (value,)):
            raise ValueError(f"REDIS_URL: {name} must be one of {', '.join(_CHOICES[name])}, not {value!r}")
    if scheme in SENTINELS and not found.get("service"):
        raise ValueError(
            "REDIS_URL: name what the Sentinels watch, as in sentinel://one,two,three/0?service=atelier"
        )
    return found


def check_files(url: RedisUrl) -> None:
    """Raise ValueError, which names REDIS_URL, if a file that it names cannot be read."""
    for name in _FILES:
        if name in url.options:
            _check_file(name, Path(url.options[name]))


def _check_file(name: str, path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise ValueError(f"REDIS_URL: {name}: cannot read {path}: {error.strerror}") from error


def _quoted(text: str | None) -> str:
    return quote(text or "", safe="")


def _present(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
