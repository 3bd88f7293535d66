"""Pairs of names and texts, as queries and urlencoded forms have them, strictly in UTF-8."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

from shared.errors import FieldError, InvalidRequest


def decoded_pairs(data: bytes, *, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield each name with the bytes of its text; raise ValueError where there are more than `limit`."""
    pairs = parse_qsl(
        data.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=limit
    )
    for name, text in pairs:
        yield decoded_name(name.encode("latin-1")), text.encode("latin-1")


def decoded_name(data: bytes) -> str:
    """Return the name of a field; one that is not UTF-8 is none that is known."""
    return data.decode("utf-8", "replace")


def decoded_text(name: str, data: bytes, charset: str = "utf-8") -> str:
    """Return a text; raise InvalidRequest that names its field where it is not in its encoding."""
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        detail = f"{name} is not UTF-8: its text must be sent in that encoding"
        raise InvalidRequest(detail, errors=[FieldError(f"/{name}", detail, "invalid_encoding")]) from error
