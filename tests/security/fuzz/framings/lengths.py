"""Lengths and codings of bodies: two at once, in disguise, doubled, no numbers."""

from tests.security.fuzz.framings.framing import (
    CHUNKED,
    HIDDEN,
    JSON,
    LAST_CHUNK,
    LENGTH,
    WHOLE,
    Framing,
    Outcome,
    chunk,
    group,
    post,
)

MANY_DIGITS = "9" * 5000


def both_lengths() -> list[Framing]:
    """CL.TE and TE.CL."""
    longer = f"Content-Length: {len(WHOLE + HIDDEN)}"
    shapes = {
        "length, then chunked": post(longer, CHUNKED, body=WHOLE + HIDDEN),
        "chunked, then length": post(CHUNKED, longer, body=WHOLE + HIDDEN),
        "a length that ends in the chunk": post("Content-Length: 4", CHUNKED, body=WHOLE + HIDDEN),
        "a length of nothing": post("Content-Length: 0", CHUNKED, body=WHOLE + HIDDEN),
        "the hidden one in a chunk": post("Content-Length: 4", CHUNKED, body=chunk(HIDDEN) + LAST_CHUNK),
        "chunked in capitals": post(longer, "TRANSFER-ENCODING: CHUNKED", body=WHOLE + HIDDEN),
        "a GET with both": post(longer, CHUNKED, body=LAST_CHUNK + HIDDEN, first="GET /v1/jobs HTTP/1.1"),
    }
    return group("both lengths", Outcome.REFUSED, shapes)


def codings() -> list[Framing]:
    """TE in disguise: one reader takes it for chunked, the other reads by the length or to the end."""
    refused = {
        **{
            value: f"Transfer-Encoding: {value}"
            for value in (
                "xchunked", "chunkedx", "identity", "gzip", "chunked, identity", "chunked, chunked",
                "gzip, chunked", '"chunked"', "'chunked'", "chunked;q=1", "chunked;", "\x0bchunked",
                "chunked\x0b", "\x0cchunked", "chun\x00ked", "chun ked", "", "chunked\x85", "\xa0chunked",
            )
        },
        "two, the same": f"{CHUNKED}\r\n{CHUNKED}",
        "two, one unknown": f"{CHUNKED}\r\nTransfer-Encoding: cow",
        "a space before the colon": "Transfer-Encoding : chunked",
        "a tab before the colon": "Transfer-Encoding\t: chunked",
        "a space before the name": " Transfer-Encoding: chunked",
        "a folded line": "Transfer-Encoding:\r\n chunked",
        "a folded line with a tab": "Transfer-Encoding: chunked\r\n\t, identity",
        "a name in two lines": "Transfer-\r\nEncoding: chunked",
        "a NUL in the name": "Transfer-Encoding\x00: chunked",
        "behind a bare LF": "X: a\nTransfer-Encoding: chunked",
        "behind a bare CR": "X: a\rTransfer-Encoding: chunked",
        "behind CR CR LF": "X: a\r\r\nTransfer-Encoding: chunked",
        "without a colon": "Transfer-Encoding chunked",
        "a name that is not ASCII": "Transfer-Encod\xefng: chunked",
    }  # fmt: skip
    found = group("coding", Outcome.REFUSED, {k: post(v, body=WHOLE + HIDDEN) for k, v in refused.items()})
    old = post(CHUNKED, body=WHOLE + HIDDEN, first="POST /v1/jobs HTTP/1.0")
    found += group("coding", Outcome.REFUSED, {"of HTTP/1.0": old})
    same = {"a tab behind the colon": "Transfer-Encoding:\tchunked", "capitals": "transfer-ENCODING: CHUNKED"}
    honest = {name: post(header, body=WHOLE) for name, header in same.items()}
    found += group("coding", Outcome.ONE, honest)
    unread = {"an underscore": "Transfer_Encoding: chunked", "another name": "X-Transfer-Encoding: chunked"}
    by_length = {name: post(header, LENGTH, body=JSON) for name, header in unread.items()}
    return found + group("coding", Outcome.ONE, by_length)


def lengths() -> list[Framing]:
    values = (
        "+19", "-1", "-0", "0x13", "1e1", "19.0", "19;", "19,", "19, 19", "19 19", "1 9", "", "\x0b19",
        "19\x00", "\xb2", "\xa019", "1_9", "nineteen", "0\x0c19", f"-{MANY_DIGITS}",
    )  # fmt: skip
    refused = {value[:20]: post(f"Content-Length: {value}", body=JSON + HIDDEN) for value in values}
    refused |= {
        "two, the same": post(LENGTH, LENGTH, body=JSON + HIDDEN),
        "two, the longer first": post(f"Content-Length: {len(JSON + HIDDEN)}", LENGTH, body=JSON + HIDDEN),
        "two, the shorter first": post(LENGTH, f"Content-Length: {len(JSON + HIDDEN)}", body=JSON + HIDDEN),
        "two, one in other letters": post(LENGTH, "content-LENGTH: 0", body=JSON + HIDDEN),
        "a space before the colon": post("Content-Length : 19", body=JSON + HIDDEN),
        "a folded line": post("Content-Length:\r\n 19", body=JSON + HIDDEN),
        "a folded end": post("Content-Length: 1\r\n 9", body=JSON + HIDDEN),
        "behind a bare LF": post("Content-Length: 0\nContent-Length: 19", body=JSON + HIDDEN),
        "5000 digits": post(f"Content-Length: {MANY_DIGITS}", body=JSON + HIDDEN),
        "above 64 bits": post("Content-Length: 18446744073709551635", body=JSON + HIDDEN),
    }
    honest = {
        "exact": post(LENGTH, body=JSON),
        "the hidden one inside": post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN),
        "zeros before": post("Content-Length: 0019", body=JSON),
        "of a GET": post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN, first="GET /healthz HTTP/1.1"),
        "of a HEAD": post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN, first="HEAD /healthz HTTP/1.1"),
        "of a page that is not there": post(
            f"Content-Length: {len(HIDDEN)}", body=HIDDEN, first="POST /nowhere HTTP/1.1"
        ),
        "of a DELETE": post(
            f"Content-Length: {len(HIDDEN)}", body=HIDDEN, first="DELETE /v1/jobs/x HTTP/1.1"
        ),
        "with a name of another": post("Content_Length: 0", LENGTH, body=JSON),
    }
    late = {"too long": post(f"Content-Length: {len(JSON) + len(HIDDEN) + 9}", body=JSON + HIDDEN)}
    return [
        *group("length", Outcome.REFUSED, refused),
        *group("length", Outcome.ONE, honest),
        *group("length", Outcome.UNFINISHED, late),
    ]
