"""The application with two routes that fail, one of them in the middle of its response."""

from collections.abc import Iterator

from flask import Flask, Response

from api import wsgi

SECRET = "/srv/secret/place"


def create() -> Flask:
    """Return the application of a process whose programmers made mistakes."""
    app = wsgi.create()
    app.add_url_rule("/faults/early", view_func=_early, methods=["GET", "POST"])
    app.add_url_rule("/faults/late", view_func=_late)
    app.add_url_rule("/faults/sent", view_func=_sent)
    return app


def _early() -> Response:
    raise RuntimeError(f"cannot read {SECRET}")


def _late() -> Response:
    def pieces() -> Iterator[str]:
        yield from ()
        raise RuntimeError(f"cannot read {SECRET}")

    return Response(pieces(), mimetype="text/event-stream")


def _sent() -> Response:
    def pieces() -> Iterator[str]:
        yield "retry: 2000\n\n"
        raise RuntimeError(f"cannot read {SECRET}")

    return Response(pieces(), mimetype="text/event-stream")
