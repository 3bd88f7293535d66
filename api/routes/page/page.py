"""The web page: one document at `/`, and the files that it loads, under a name that changes with them."""

import gzip
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

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
STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^;(]*?"(\.[^"]+)";', re.MULTILINE)
AROUND_THE_PANELS, SIGN_IN = "parts/shell.js", "parts/sign-in.js"  # one of them is seen first
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class WebFiles:
    """The files of the page by path, and the version that names them all."""

    version: str
    content: dict[str, bytes]
    packed: dict[str, bytes]  # the same, for browsers that unpack gzip

    def modules(self, *paths: str) -> list[str]:
        """Return modules with all that they import: the document has these loaded beside each other.

        What a module imports when it is needed, as a panel that is opened, is none of them.
        """
        found: set[str] = set()
        left = list(paths)
        while left:
            path = left.pop()
            if path not in found:
                found.add(path)
                left += self._imports(path)
        return sorted(found)

    def _imports(self, path: str) -> Iterator[str]:
        for address in STATIC_IMPORT.findall(self.content[path].decode()):
            yield normpath(join(dirname(path), address))


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
    sign_in = _must_sign_in()
    modules = files.modules("main.js", SIGN_IN if sign_in else AROUND_THE_PANELS)
    text = render_template_string(source, version=files.version, modules=modules, sign_in=sign_in)
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
