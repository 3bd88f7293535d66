"""Finds the recipe that rides in a picture: a text of a PNG, or a property in XMP. It is not parsed here.

What is in a picture is what a stranger wrote. The file is searched once, and no structure of it is followed:
so nothing that it says of its own lengths costs time, and no library reads it.
"""

from xml.sax.saxutils import unescape

from shared.errors import RecipeInvalid, RecipeMissing

RECIPE = "atelier:recipe"  # the key of the text, and the name of the property
MOST_BYTES = 64 * 1024  # of a recipe as it is written; several times of what the service writes
_IN_PNG = b"iTXt" + RECIPE.encode() + b"\0\0\0\0\0"  # not compressed, and of no language
_BEGIN, _END = f"<{RECIPE}>".encode(), f"</{RECIPE}>".encode()
_QUOTES = {"&quot;": '"', "&apos;": "'"}  # as other programs write them that copy XMP


def recipe_in(data: bytes) -> str:
    """Return the text of the recipe in a picture, or in a file that is one; it may be anything.

    Raises RecipeMissing where there is none, RecipeInvalid where it is cut off, too large or no text.
    """
    start = data[:64].lstrip()[:1]
    found = data if start == b"{" else _text_of_png(data) if data[:4] == b"\x89PNG" else None
    found = _property(data) if found is None else found
    if len(found) > MOST_BYTES:
        raise RecipeInvalid(f"the recipe has more than {MOST_BYTES} bytes, the most that one may have")
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise RecipeInvalid("the recipe is no text in UTF-8: it is damaged") from error


def _text_of_png(data: bytes) -> bytes | None:
    """Return the text of the chunk; None where there is no such chunk."""
    at = data.find(_IN_PNG)
    if at < 4:
        return None
    length = int.from_bytes(data[at - 4 : at], "big")
    text = data[at + len(_IN_PNG) : at + 4 + min(length, MOST_BYTES + len(_IN_PNG))]
    if at + 4 + length > len(data):
        raise RecipeInvalid("the recipe is cut off: the file is damaged")
    return text


def _property(data: bytes) -> bytes:
    start = data.find(_BEGIN)
    if start < 0:
        raise RecipeMissing(
            "this picture has no recipe: Atelier did not make it, made it without one, or another program "
            "has written the file since"
        )
    start += len(_BEGIN)
    end = data.find(_END, start, start + MOST_BYTES + len(_END))
    if end < 0:
        raise RecipeInvalid(f"the recipe is cut off, or has more than {MOST_BYTES} bytes")
    return unescape(data[start:end].decode("latin-1"), _QUOTES).encode("latin-1")
