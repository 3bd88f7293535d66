"""The application, and what every request gets: an id, a limit to its client's silence, a line in the log."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from api.auth import KEYS, RATES, USERS, authenticate, key_table_of
from api.key_watch import watch_streams
from api.metrics.registry import METRICS, metrics_of
from api.refusals import QuotaRefusals
from api.replicate import routes as replicate
from api.requests.body import refuse_codings
from api.requests.query import refuse_repeated
from api.responses import problems
from api.routes import (
    actions,
    batch_items,
    batch_results,
    batches,
    docs,
    events,
    files,
    health,
    job_reading,
    job_results,
    job_submission,
    jobs,
    keys,
    models,
    owners,
    pauses,
    stats,
    styles,
    webhooks,
    workers,
)
from api.routes.metrics import metrics
from api.routes.page import page
from api.routes.places import places
from api.routes.planning import plans
from api.routes.recipes import recipes
from api.routes.rollouts import rollouts
from api.server.connections import WAITS, drain, limit_silence
from api.server.hosts import HostCheck, trust_proxies
from api.server.origins import Origins
from api.server.proxy_user import ProxyUser
from api.server.rates import RequestRates, add_rate_headers
from api.server.request_trace import begin_trace, end_trace, note_subjects
from api.server.threads import Waits
from api.services import SERVICES, Services
from shared.errors import AtelierError, QuotaExceeded
from shared.network_settings import ApiSettings

log = logging.getLogger("atelier.api")

REQUEST_ID = "X-Request-Id"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
ROUTES = (
    jobs, job_reading, job_submission, job_results, batches, batch_items, batch_results, files, styles,
    recipes, places, models, rollouts, webhooks, keys, owners, stats, plans, pauses, actions, workers, events,
    health, docs, page, metrics, replicate,
)  # fmt: skip


class _Api(Flask):
    """Flask for functions that are no coroutines: it would look at each of them again for each request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function."""
        return func


def create_app(services: Services) -> Flask:
    """Return the application that answers with these services."""
    app = _Api("api", static_folder=None)
    app.extensions[SERVICES] = services
    app.extensions[KEYS] = key_table_of(services)
    app.extensions[RATES] = RequestRates(services.settings.rate, services.store.scripts)
    app.extensions[USERS] = ProxyUser(services.settings.proxy)
    app.extensions[WAITS] = Waits(services.settings.api.listeners)
    app.extensions[METRICS] = measured = metrics_of(services)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.limits.max_body_bytes
    _handle_errors(app)
    app.before_request(_begin)
    app.before_request(begin_trace)
    _refuse_strangers(app, services.settings.api)
    app.before_request(authenticate)
    app.before_request(note_subjects)
    _refuse_at_once(app)
    app.before_request(refuse_codings)
    app.before_request(refuse_repeated)
    app.after_request(watch_streams)
    app.after_request(add_rate_headers)
    app.after_request(measured.http.note)
    app.after_request(_end)
    app.after_request(end_trace)
    for module in ROUTES:
        app.register_blueprint(module.blueprint)
    return app


def _refuse_at_once(app: Flask) -> None:
    """Have requests that a spent quota refuses cost next to nothing, however many come."""
    refusals = QuotaRefusals()
    app.before_request(refusals.repeat)
    app.register_error_handler(QuotaExceeded, refusals.answer)


def _handle_errors(app: Flask) -> None:
    app.register_error_handler(AtelierError, problems.handle_atelier_error)
    app.register_error_handler(HTTPException, problems.handle_http_exception)
    app.register_error_handler(Exception, problems.handle_surprise)


def _refuse_strangers(app: Flask, api: ApiSettings) -> None:
    """Check where each request comes from, before anything else looks at it: a preflight has no key."""
    origins = Origins(api)
    trust_proxies(app, api.trusted_proxies)
    app.before_request(HostCheck(api))
    app.before_request(origins.refuse_foreign)
    app.before_request(origins.answer_preflight)
    app.after_request(origins.add_headers)


def _begin() -> None:
    """Give the request an id."""
    given = request.headers.get(REQUEST_ID, "")
    g.request_id = given if _GIVEN_ID.fullmatch(given) else problems.new_request_id()
    limit_silence(request.environ)
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    """Echo the id, and log the response: writes at INFO, reads at DEBUG."""
    drain(request.environ)
    response.headers[REQUEST_ID] = g.get("request_id", "")
    level = (
        logging.DEBUG if request.method in ("GET", "HEAD") and response.status_code < 500 else logging.INFO
    )
    if log.isEnabledFor(level):
        fields = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.began) * 1000, 1),
            "request_id": g.request_id,
        }
        log.log(level, "answered", extra=fields)
    return response
