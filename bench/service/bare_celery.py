"""What the overhead is compared with: Celery alone, and a small Flask application in front of it.

`python -m bench.service.bare_celery CONCURRENCY` runs its worker. Nothing here is Atelier's.
"""

import os
import sys

from celery import Celery
from flask import Flask, Response, jsonify

SERVER = "BENCH_REDIS_URL"
WAIT_SECONDS = 30


def make_app() -> Celery:
    """Return an app with one task that does nothing; its results go to the same server."""
    url = os.environ[SERVER].replace("unix://", "socket://")
    app = Celery("bare", broker=f"redis+{url}" if url.startswith("socket") else url)
    app.conf.update(
        result_backend=f"redis+{url}" if url.startswith("socket") else url,
        task_default_queue="bare",
        worker_hijack_root_logger=False,
    )
    app.task(name="bare.nothing")(nothing)
    return app


def nothing(seed: int) -> int:
    """Do nothing."""
    return seed


def create() -> Flask:
    """Return a web application that sends a task and waits for its result."""
    web, app = Flask("bare"), make_app()

    @web.post("/jobs")
    def submit() -> Response:
        result = app.send_task("bare.nothing", (1,))
        return jsonify(id=result.id, result=result.get(timeout=WAIT_SECONDS))

    return web


def main() -> None:
    options = ["--pool=threads", f"--concurrency={sys.argv[1]}", "--loglevel=WARNING", "--hostname=bare"]
    make_app().worker_main(["--quiet", "worker", *options])


if __name__ == "__main__":
    main()
