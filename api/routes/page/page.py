"""The web page: one document at `/`, and the files that it loads, under a name that changes with them."""

import gzip
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable

from flask import Response, current_app, render_template_string, request

from api.auth import USERS, keys_of_app, open_to_all
from api.errors import RouteNotFound
from api.openapi import TaggedBlueprint
from api.responses.representation import conditional
from api.responses.security_headers import CONTENT_POLICY, WEB_POLICY
from api.server.proxy_user import ProxyUser
from shared.errors import StoreUnavailable

blueprint = TaggedBlueprint("page", tag="About")

DOCUMENT = "index.html"
MEDIA_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "svg": "image/svg+xml",
}
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class WebFiles:
    """The files of the page by path, and the version that names them all."""

    version: str
    content: dict[str, bytes]
    packed: dict[str, bytes]  # the same, for browsers that unpack gzip

    def modules(self) -> list[str]:
        """Return the modules that the document has loaded beside each other: all but those of panels."""
        return sorted(
            path for path in self.content if path.endswith(".js") and not path.startswith("panels/")
        )


@cache
def web_files() -> WebFiles:
    """Read the files of the page once; a change of them needs a new process."""
    content = dict(_files_below(resources.files("api") / "web", ""))
    digest = sha256()
    for path, data in sorted(content.items()):
        digest.update(path.encode() + b"\0" + sha256(data).digest())
    packed = {path: gzip.compress(data, mtime=0) for path, data in content.items()}
    return WebFiles(digest.hexdigest()[:12], content, packed)


def _files_below(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files_below(entry, f"{prefix}{entry.name}/")
        elif entry.name.rpartition(".")[2] in MEDIA_TYPES:
            found.append((prefix + entry.name, entry.read_bytes()))
    return found


@blueprint.get("/")
@open_to_all("it is the same for every installation, and asks for a key where one is needed")
def home() -> Response:
    """Send the page. It says whether requests need a key, so that it need not try one to find out."""
    files = web_files()
    source = files.content[DOCUMENT].decode()
    text = render_template_string(
        source, version=files.version, modules=files.modules(), sign_in=_must_sign_in()
    )
    response = Response(text, mimetype="text/html")
    response.headers[CONTENT_POLICY] = WEB_POLICY
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return conditional(response)


def _must_sign_in() -> bool:
    """Whether this browser's requests need a key, by what is known: some do, and no proxy names its user."""
    keys = keys_of_app()
    with suppress(StoreUnavailable):  # the page says so itself, and goes on when the job store is back
        keys.refresh()
    users: ProxyUser = current_app.extensions[USERS]
    return keys.are_needed and not users.name()


@blueprint.get("/web/<version>/<path:path>")
@open_to_all("a part of the page")
def web_file(version: str, path: str) -> Response:
    """Send a file of the page, to be kept for good under the version that it belongs to."""
    files = web_files()
    if path not in files.content or path == DOCUMENT:
        raise RouteNotFound(f"the page has no file {path}")
    is_packed = request.accept_encodings["gzip"] > 0
    content = files.packed if is_packed else files.content
    response = Response(content[path], mimetype=MEDIA_TYPES[path.rpartition(".")[2]])
    response.vary.add("Accept-Encoding")
    if is_packed:
        response.content_encoding = "gzip"
    # A page that was opened before an upgrade may ask for what it has not loaded yet.
    response.headers["Cache-Control"] = FOREVER if version == files.version else "no-cache"
    response.add_etag()
    return conditional(response)
