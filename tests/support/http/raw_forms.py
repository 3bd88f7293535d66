"""Multipart bodies byte by byte, as clients send them that no library would imitate."""

from dataclasses import dataclass

BOUNDARY = b"----=_Part_7"


@dataclass(frozen=True)
class RawPart:
    """One part: its whole Content-Disposition behind `form-data`, further header lines, its bytes."""

    disposition: bytes
    data: bytes
    headers: tuple[bytes, ...] = ()


def raw_part(name: str, data: bytes, *headers: bytes, filename: bytes | None = None) -> RawPart:
    named = b"" if filename is None else b'; filename="' + filename + b'"'
    return RawPart(b'; name="' + name.encode() + b'"' + named, data, headers)


def raw_form(*parts: RawPart, boundary: bytes = BOUNDARY, closed: bool = True) -> bytes:
    lines = []
    for part in parts:
        head = [b"--" + boundary, b"Content-Disposition: form-data" + part.disposition, *part.headers]
        lines.append(b"\r\n".join([*head, b"", part.data]))
    return b"\r\n".join([*lines, b"--" + boundary + (b"--\r\n" if closed else b"")])


def content_type(boundary: bytes = BOUNDARY) -> str:
    return f'multipart/form-data; boundary="{boundary.decode()}"'
