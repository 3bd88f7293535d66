"""The application factory."""

from apiflask import APIFlask
from werkzeug.exceptions import HTTPException

from api.docs.document import complete, described_events
from api.extensions import CAPACITY, SERVICES, WAITS
from api.jobs.renderer import Capacity
from api.openapi import Json
from api.requests.body import refuse_codings
from api.responses import problems
from api.routes import (
    batch_items,
    batch_results,
    batches,
    docs,
    files,
    health,
    job_actions,
    job_forms,
    job_results,
    jobs,
    models,
    styles,
    webhooks,
)
from api.server.long_poll import Waits
from api.server.request_log import watch_requests
from api.services import Services
from shared.errors import AtelierError

BLUEPRINTS = (
    jobs.blueprint,
    job_forms.blueprint,
    job_actions.blueprint,
    job_results.blueprint,
    batches.blueprint,
    batch_items.blueprint,
    batch_results.blueprint,
    files.blueprint,
    styles.blueprint,
    models.blueprint,
    webhooks.blueprint,
    health.blueprint,
    docs.blueprint,
)


def create_app(services: Services) -> APIFlask:
    """Return the application that answers with these services."""
    app = APIFlask(
        "api",
        title="Atelier",
        version=docs.VERSION,
        spec_path=None,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]
        template_folder="templates",
    )
    app.extensions[SERVICES] = services
    app.extensions[CAPACITY] = Capacity(services.roster)
    app.extensions[WAITS] = Waits(services.settings.api.threads)
    _configure(app, services.settings.limits.max_body_bytes)
    _handle_errors(app)
    watch_requests(app)
    app.before_request(refuse_codings)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _configure(app: APIFlask, max_body_bytes: int) -> None:
    app.config.update(
        MAX_CONTENT_LENGTH=max_body_bytes,
        OPENAPI_VERSION="3.1.0",
        AUTO_404_RESPONSE=False,
        AUTO_200_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        DESCRIPTION=docs.DESCRIPTION,
        LICENSE={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        SERVERS=[{"url": "/"}],
        TAGS=docs.TAGS,
    )
    app.spec_processor(_completed)  # type: ignore[arg-type]


def _completed(document: Json) -> Json:
    return {**complete(document), "webhooks": described_events()}


def _handle_errors(app: APIFlask) -> None:
    app.register_error_handler(AtelierError, problems.handle_atelier_error)
    app.register_error_handler(HTTPException, problems.handle_http_exception)
    app.register_error_handler(Exception, problems.handle_surprise)
