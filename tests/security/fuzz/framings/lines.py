"""Request lines and headers: line ends, spaces, versions; and requests that follow each other honestly."""

from tests.security.fuzz.framings.framing import (
    CHUNKED,
    HIDDEN,
    JSON,
    LENGTH,
    WHOLE,
    Framing,
    Outcome,
    group,
    post,
)


def lines() -> list[Framing]:
    get = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    refused = {
        "bare LF everywhere": post(LENGTH, body=JSON + HIDDEN, end="\n"),
        "bare CR everywhere": post(LENGTH, body=JSON, end="\r") + b"\r\n\r\n" + HIDDEN,
        "an empty line with LF": get + b"\n" + HIDDEN,
        "a header behind a bare LF": get + b"X: a\nContent-Length: 5\r\n\r\n" + HIDDEN,
        "a space before the colon": get + b"X : a\r\n\r\n" + HIDDEN,
        "a line that begins with a space": get + b" X: a\r\n\r\n" + HIDDEN,
        "a line without a colon": get + b"nonsense\r\n\r\n" + HIDDEN,
        "a line that begins with a colon": get + b": a\r\n\r\n" + HIDDEN,
        "a NUL in a value": get + b"X: a\x00b\r\n\r\n" + HIDDEN,
        "two hosts": get + b"Host: localhost\r\n\r\n" + HIDDEN,
        "a folded host": b"GET /healthz HTTP/1.1\r\nHost:\r\n 127.0.0.1\r\n\r\n" + HIDDEN,
        "two content types": get + b"Content-Type: a/b\r\nContent-Type: a/c\r\n\r\n" + HIDDEN,
        "two spaces": b"GET  /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
        "a tab": b"GET\t/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
        "a space at its end": b"GET /healthz HTTP/1.1 \r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
        "a request in the address": b"GET /healthz HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
        "a CR in the address": b"GET /a\rb HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
        "no version": b"GET /healthz\r\n\r\n" + HIDDEN,
        "version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
        "a method in small letters": b"get /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
        "an expectation": get + b"Expect: 200-ok\r\n\r\n" + HIDDEN,
    }
    closed = {
        "asked to close": get + b"Connection: close\r\n\r\n" + HIDDEN,
        "asked to close in capitals": get + b"Connection: CLOSE\r\n\r\n" + HIDDEN,
        "HTTP/1.0": b"GET /healthz HTTP/1.0\r\n\r\n" + HIDDEN,
        "a body that was not waited for": post(
            "Expect: 100-continue", "Content-Length: 19", body=HIDDEN, first="POST /nowhere HTTP/1.1"
        ),
    }
    two = {
        "version 1.2": b"GET /healthz HTTP/1.2\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
        "two requests at once": get + b"\r\n" + HIDDEN,
        "a body and a second request": post(LENGTH, body=JSON + HIDDEN),
        "chunks and a second request": post(CHUNKED, body=WHOLE + HIDDEN),
        "an upgrade that is not taken": get + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + HIDDEN,
        "a header that hides the length from a proxy": post(
            LENGTH, "Connection: Content-Length", body=JSON + HIDDEN
        ),
        "a whole address": b"GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HIDDEN,
    }
    return [
        *group("line", Outcome.REFUSED, refused),
        *group("line", Outcome.ONE_AND_CLOSED, closed),
        *group("line", Outcome.TWO, two),
    ]
