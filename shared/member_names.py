"""What the pictures of a batch's items are called in an archive or a folder."""

import re
from unicodedata import normalize

LONGEST_PART = 230  # bytes of a part of a name, without what is added: file systems take 255

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
_UNSAFE = re.compile(r"[^\w .,()+=@#&'!-]")
_FILE_LIKE = re.compile(r"\.(?=(?:png|jpg|webp|gif|bin)$)", re.IGNORECASE)  # a folder that a picture may be
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def member_name(
    custom_id: str, index: int, media_type: str, *, number: int = 0, of: int = 1, apart: bool = False
) -> str:
    """Return the name of one of an item's pictures, safe on every system and no other item's.

    A custom id may hold slashes: they make folders. What no file name takes is replaced by `_`, and then the
    name begins with the item's index and `~~`, which no other name has; so does one that is too long, which
    is cut, and one that `apart` asks for. Where an item has several pictures, each name ends with `~` and its
    number.
    """
    *folders, last = custom_id.split("/")
    safe = "/".join([*(_FILE_LIKE.sub("_", _safe(part)) for part in folders), _safe(last)])
    fits = safe == custom_id and all(len(part.encode()) <= LONGEST_PART for part in safe.split("/"))
    flat = safe.replace("/", "_").encode()[:LONGEST_PART].decode(errors="ignore")
    stem = custom_id if fits and not apart else f"{index}~~{flat}"
    counted = f"~{number}" if of > 1 else ""
    return f"{stem}{counted}.{_EXTENSIONS.get(media_type.partition(';')[0], 'bin')}"


def _safe(part: str) -> str:
    """Return a part of a path as every system takes it; one that they take already stays as it is."""
    clean = _UNSAFE.sub("_", part).strip(" ")
    clean = f"_{clean[1:]}" if clean.startswith(".") else clean
    clean = f"{clean[:-1]}_" if clean.endswith(".") else clean
    return f"_{clean}" if not clean or _RESERVED.fullmatch(clean) else clean


def alike(name: str) -> str:
    """Return a form that names have in common where some system takes them for one: they differ by case only.

    Composed and decomposed letters are one as well, as on macOS.
    """
    return normalize("NFD", normalize("NFD", name).casefold().upper().casefold())
