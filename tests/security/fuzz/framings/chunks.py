"""Chunks and trailers: sizes that are no sizes, extensions, line ends, headers that must not come late."""

from tests.security.fuzz.framings.framing import (
    CHUNKED,
    HIDDEN,
    JSON,
    LAST_CHUNK,
    ONE_CHUNK,
    Framing,
    Outcome,
    chunk,
    group,
    post,
)


def chunks() -> list[Framing]:
    size, data = b"%x" % len(JSON), JSON
    lines = {
        "negative": b"-13", "a plus": b"+13", "0x": b"0x13", "an underscore": b"1_3", "a space": b" 13",
        "a space behind": b"13 ", "a tab behind": b"13\t", "nothing": b"", "a letter": b"1g",
        "not ASCII": b"\xef\xbc\x91\xef\xbc\x93", "above 64 bits, then": b"1" + b"0" * 16 + b"zz",
        "an extension with a bare LF": b"13;a\nb", "an extension with a CR": b"13;a\rb",
        "an extension with a NUL": b"13;a=\x00", "an extension that is empty": b"13;",
        "a quote without an end": b'13;a="b', "a bare CR": b"13\r", "a CR and text": b"13\rX",
        "a long extension": b"13;a=" + b"b" * 40_000, "a long size": b"0" * 40_000 + b"13",
    }  # fmt: skip
    head = post(CHUNKED)
    refused = {f"a size with {k}": head + v + b"\r\n" + data + b"\r\n0\r\n\r\n" for k, v in lines.items()}
    refused |= {
        "a size that ends with LF": head + size + b"\n" + data + b"\r\n0\r\n\r\n" + HIDDEN,
        "data that ends with LF": head + size + b"\r\n" + data + b"\n0\r\n\r\n" + HIDDEN,
        "data longer than its size": head + size + b"\r\n" + data + b"XX\r\n0\r\n\r\n" + HIDDEN,
        "data shorter than its size": head + b"20\r\n" + data + b"\r\n0\r\n\r\n" + HIDDEN,
        "data without an end of line": head + size + b"\r\n" + data + b"0\r\n\r\n" + HIDDEN,
        "a last chunk with LF": head + ONE_CHUNK + b"0\n\n" + HIDDEN,
    }
    honest = {
        "an extension": head + size + b";a=b\r\n" + data + b"\r\n0\r\n\r\n",
        "an extension in quotes": head + size + b';a="0\\";x"\r\n' + data + b"\r\n0\r\n\r\n",
        "zeros before": head + b"000" + size + b"\r\n" + data + b"\r\n000\r\n\r\n",
        "capitals": head + size.upper() + b"\r\n" + data + b"\r\n0\r\n\r\n",
        "the hidden one in a chunk": head + chunk(HIDDEN) + LAST_CHUNK,
        "a chunk a byte": head + b"".join(chunk(data[i : i + 1]) for i in range(len(data))) + LAST_CHUNK,
    }
    late = {
        "no last chunk": head + ONE_CHUNK,
        "no end of the last chunk": head + ONE_CHUNK + b"0\r\n",
        "a huge chunk": head + b"ffffffffffffffff\r\n" + HIDDEN,
        "a size above 64 bits": head + b"1" + b"0" * 16 + b"13\r\n" + data + b"\r\n0\r\n\r\n" + HIDDEN,
    }
    return [
        *group("chunks", Outcome.REFUSED, refused),
        *group("chunks", Outcome.ONE, honest),
        *group("chunks", Outcome.UNFINISHED, late),
    ]


def trailers() -> list[Framing]:
    head = post(CHUNKED) + ONE_CHUNK + b"0\r\n"
    refused = {
        "a length": head + b"Content-Length: 100\r\n\r\n" + HIDDEN,
        "a coding": head + b"Transfer-Encoding: chunked\r\n\r\n" + HIDDEN,
        "a host": head + b"Host: evil.example\r\n\r\n" + HIDDEN,
        "a key": head + b"Authorization: Bearer x\r\n\r\n" + HIDDEN,
        "no colon": head + b"nonsense\r\n\r\n" + HIDDEN,
        "a space before the colon": head + b"X : y\r\n\r\n" + HIDDEN,
        "a folded line": head + b"X: y\r\n z\r\n\r\n" + HIDDEN,
        "a bare LF": head + b"X: y\nZ: a\r\n\r\n" + HIDDEN,
        "a NUL": head + b"X: \x00\r\n\r\n" + HIDDEN,
        "200 lines": head + b"X: y\r\n" * 200 + b"\r\n" + HIDDEN,
        "a long line": head + b"X: " + b"y" * 20_000 + b"\r\n\r\n" + HIDDEN,
        "the hidden request": head + HIDDEN,
    }
    return [
        *group("trailer", Outcome.REFUSED, refused),
        *group("trailer", Outcome.ONE, {"an honest one": head + b"X-Checksum: abc\r\n\r\n"}),
        *group("trailer", Outcome.TWO, {"and a second request": head + b"X: y\r\n\r\n" + HIDDEN}),
    ]
