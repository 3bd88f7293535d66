"""The API's own configuration of gunicorn, with short deadlines."""

from api import gunicorn_conf
from api.gunicorn_conf import *  # noqa: F403
from api.server import gunicorn_worker

keepalive = 1
gunicorn_worker.BODY_SECONDS = 1.0
assert gunicorn_conf.keepalive > keepalive
