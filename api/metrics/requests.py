"""How requests went: how many, by route and status, and how long each route took."""

import time

from flask import Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
NO_ROUTE = "none"  # nothing is there, or the request was refused before anybody looked
# Until the head of the response. What reads a record takes milliseconds, an upload tens of them; a wait that
# a client asked for (`?wait=`) takes as long as its job, up to a minute.
BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10, 60)


class RequestMetrics:
    """Counts the requests of an application, by the routes of its table."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "atelier_http_requests",
            "Requests that were answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "atelier_http_request_seconds",
            "From a request's head to that of its response; waits that clients ask for are in it.",
            ["route"],
            buckets=BUCKETS,
            registry=registry,
        )

    def note(self, response: Response) -> Response:
        """Count the request that this is the response to; return the response."""
        route = request.url_rule.rule if request.url_rule is not None else NO_ROUTE
        method = request.method if request.method in METHODS else "other"
        self._requests.labels(method, route, str(response.status_code)).inc()
        if "began" in g:
            self._seconds.labels(route).observe(time.perf_counter() - g.began)
        return response
