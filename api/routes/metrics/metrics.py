"""Metrics of this process, and of the queue, for Prometheus."""

from typing import cast

from flask import Response, current_app, request

from api.auth import needs
from api.metrics.registry import METRICS, Metrics
from api.openapi import TEXT, TaggedBlueprint, documented, operation
from shared.access.key import Scope
from shared.metrics.registry import exposition

blueprint = TaggedBlueprint("metrics", tag="Health")


@blueprint.get("/metrics")
@operation(
    "getMetrics",
    {200: documented("Metrics in Prometheus' text format", TEXT, media_type="text/plain")},
    problems=(503,),
)
@needs(Scope.METRICS)
def get_metrics() -> Response:
    """Read what Prometheus collects: of this process, and of the queue.

    Where the queue cannot be read, its numbers are left out, and `atelier_store_up` is 0. They are of all
    owners, and name none of them. `Accept: application/openmetrics-text` asks for that format.
    """
    metrics = cast(Metrics, current_app.extensions[METRICS])
    body, media_type = exposition(metrics.registry, request.headers.get("Accept", ""))
    return Response(body, content_type=media_type, headers={"Cache-Control": "no-store"})
