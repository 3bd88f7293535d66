"""What pages of other origins may do: change nothing and read nothing, unless the operator has named them.

Browsers say in `Origin` and `Sec-Fetch-Site` which page a request comes from. Programs send neither.
"""

from flask import Response, current_app, request

from api.errors import ForeignOrigin
from api.responses.security_headers import RESOURCE_POLICY, add_security_headers
from shared.network_settings import ApiSettings, origin_of
from shared.setting_groups import listed

SETTING = "ATELIER_API_ALLOWED_ORIGINS"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})  # none: the user typed the address
PREFLIGHT_SECONDS = 600
REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Last-Event-ID, Prefer, "
    "Range, X-Request-Id"
)
RESPONSE_HEADERS = (
    "Accept-Ranges, Allow, Content-Disposition, Content-Length, Content-Range, ETag, Idempotency-Replayed, "
    "Link, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
    "X-Request-Id"
)


class Origins:
    """The origins whose pages may use the service, and the headers that say so."""

    def __init__(self, api: ApiSettings) -> None:
        self._named = frozenset(listed(api.allowed_origins))
        self._public = {origin_of(api.public_url)} if api.public_url else set()
        self._embed = api.embed_pictures

    def refuse_foreign(self) -> None:
        """Raise ForeignOrigin where a foreign page asks for a change. `Origin: null` is foreign."""
        if request.method in SAFE or self._is_named():
            return
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
        if (origin is not None and origin not in self._own()) or site not in OWN_SITES:
            raise ForeignOrigin(f"a page of another origin asks for a change; {SETTING} names those that may")

    def answer_preflight(self) -> Response | None:
        """Answer a browser's question whether a named page may send a request; None where it is none."""
        if request.method != "OPTIONS" or request.url_rule is None or not self._is_named():
            return None
        response = current_app.make_default_options_response()
        response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
        response.headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response

    def add_headers(self, response: Response) -> Response:
        """Say what browsers may do with a response, and whether the asking page may read it."""
        add_security_headers(response)
        if self._named:
            response.vary.add("Origin")
        if self._is_named():
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = RESPONSE_HEADERS
        if self._is_named() or (self._embed and (response.mimetype or "").startswith("image/")):
            response.headers[RESOURCE_POLICY] = "cross-origin"
        elif response.status_code == 304:
            del response.headers[RESOURCE_POLICY]  # that of the stored response holds on
        return response

    def _is_named(self) -> bool:
        return bool(self._named) and request.headers.get("Origin") in self._named

    def _own(self) -> set[str]:
        """Return the origins of the service's own page; a proxy that ends TLS need not have told of it."""
        host = request.host.lower()
        return {f"{request.scheme}://{host}", f"https://{host}", *self._public}
