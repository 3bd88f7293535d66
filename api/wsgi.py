"""The entry for a WSGI server: `gunicorn --config python:api.gunicorn_conf "api.wsgi:create()"`."""

import gc
import logging
import os
import socket
import sys

from flask import Flask

from api.app import create_app
from api.services import Services, build_services
from shared.logs import configure_logs
from shared.maintenance.garbage import Garbage
from shared.maintenance.reaper import Reaper
from shared.settings import Settings
from shared.tracing.choice import open_tracing

log = logging.getLogger("atelier.api")

SWITCH_SECONDS = 0.0005  # a thread that computes gives way so soon, for those whose requests take no time


def create() -> Flask:
    """Return the application of this process, configured by the environment, its reaper running."""
    settings = Settings.from_env()
    configure_logs(settings.log_format, settings.log_level)
    services = build_services(settings, open_tracing("atelier-api", f"{socket.gethostname()}-{os.getpid()}"))
    app = create_app(services)
    start_background(services)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # it all stays: a search for garbage halts every thread, and need not look here
    log.info("application ready")
    return app


def start_background(services: Services) -> Reaper:
    """Start the reaper's thread and return it; it ends with the process."""
    garbage = Garbage(services.store.client, services.objects)
    reaper = Reaper(services.store, services.batches, services.queue, garbage)
    reaper.start()
    return reaper
