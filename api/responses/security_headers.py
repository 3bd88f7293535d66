"""Headers that tell browsers how little they may do with a response. Programs do not need them."""

from flask import Response

# Nothing may be loaded, run, sent or framed. Inline styles lay out a browser's own page around a picture.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
CONTENT_POLICY = "Content-Security-Policy"
RESOURCE_POLICY = "Cross-Origin-Resource-Policy"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, a form of our own page would send `Origin: null`
    CONTENT_POLICY: POLICY,
    RESOURCE_POLICY: "same-origin",
}

# The web page: its own files and the service alone, no inline script or style, no text that becomes markup.
WEB_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def page_policy(nonce: str) -> str:
    """Return the policy of a page of our own, whose inline script has the nonce."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def add_security_headers(response: Response) -> None:
    """Add what every response has, where the route has not set it."""
    given = {name.lower() for name, _ in response.headers}
    for name, value in SECURITY_HEADERS.items():
        if name.lower() not in given:
            response.headers.add(name, value)
