"""What a batch says of places: where its pictures come from, and where its results go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceSource:
    """The pictures of a place, for a batch with a template: each becomes an item, or several."""

    place: str  # a name of `client.places.list()`
    prefix: str = ""  # a folder within the place; "" is all of it
    match: str = "*"  # of names below the prefix: * is any text, slashes too, ? one character


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceDestination:
    """The place where a batch's results are put, beside being kept by the service."""

    place: str
    prefix: str = ""
    name: str | None = None  # such as "{path}{stem}-{style}.{ext}"; None: "{custom_id}.{ext}"
