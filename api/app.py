"""The application factory."""

from flask import Flask
from werkzeug.exceptions import HTTPException

from api.requests.body import refuse_codings
from api.resources import CAPACITY, Capacity
from api.responses import problems
from api.routes import (
    batch_items,
    batch_results,
    batches,
    docs,
    files,
    health,
    job_results,
    job_submission,
    jobs,
    models,
    styles,
    webhooks,
)
from api.server.connections import WAITS
from api.server.request_log import watch_requests
from api.server.threads import Waits
from api.services import SERVICES, Services
from shared.errors import AtelierError

ROUTES = (
    jobs, job_submission, job_results, batches, batch_items, batch_results, files, styles, models, webhooks,
    health, docs,
)  # fmt: skip


def create_app(services: Services) -> Flask:
    """Return the application that answers with these services."""
    app = Flask("api", static_folder=None)
    app.extensions[SERVICES] = services
    app.extensions[CAPACITY] = Capacity(services.roster)
    app.extensions[WAITS] = Waits(services.settings.api.threads)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.limits.max_body_bytes
    _handle_errors(app)
    watch_requests(app)
    app.before_request(refuse_codings)
    for module in ROUTES:
        app.register_blueprint(module.blueprint)
    return app


def _handle_errors(app: Flask) -> None:
    app.register_error_handler(AtelierError, problems.handle_atelier_error)
    app.register_error_handler(HTTPException, problems.handle_http_exception)
    app.register_error_handler(Exception, problems.handle_surprise)
