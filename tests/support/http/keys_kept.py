"""The API for a test: it does not read the keys again by itself within ten minutes."""

from flask import Flask

from api import wsgi
from shared.access import table

KEPT_SECONDS = 600.0


def create() -> Flask:
    """Return the application, as `api.wsgi.create` does."""
    table.FRESH_SECONDS = KEPT_SECONDS
    return wsgi.create()
