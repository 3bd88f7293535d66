"""Tries a storage: writes, reads, links and deletes an object, and compares clocks."""

import secrets
import time
from dataclasses import dataclass

import httpx

from shared.storage.base import ObjectStore

FOLDER = "doctor/"
PICTURE = b"atelier doctor"
MOST_SKEW_SECONDS = 300.0  # S3 refuses requests that are signed 15 minutes off
LINK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it."""

    text: str = ""  # what is good to know
    fault: str = ""
    remedy: str = ""


def try_storage(objects: ObjectStore) -> Trial:
    """Try what the service does with a storage; raise StorageUnavailable where a step is refused."""
    keys = [f"{FOLDER}{secrets.token_hex(8)}.png" for _ in range(2)]
    try:
        began = time.monotonic()
        for key in keys:
            objects.put(key, PICTURE)
        is_same = objects.get(keys[0]) == PICTURE and objects.get_range(keys[1], 8, 14) == PICTURE[8:14]
        seconds = (time.monotonic() - began) / 4
        if not is_same:
            return Trial(fault="what is read is not what was written", remedy="use another server")
        return _clock_fault(objects) or _link_fault(objects, keys[0]) or Trial(_shown(objects, seconds))
    finally:
        objects.delete_many(keys)


def _shown(objects: ObjectStore, seconds: float) -> str:
    is_linked = objects.link(f"{FOLDER}x", LINK_SECONDS) is not None
    return f", {seconds * 1000:.0f} ms a request" + (", and clients reach it" if is_linked else "")


def _clock_fault(objects: ObjectStore) -> Trial | None:
    skew = objects.now() - time.time()
    if abs(skew) <= MOST_SKEW_SECONDS:
        return None
    return Trial(fault=f"its clock is {skew:+.0f} s off this machine's", remedy="set the clocks, by NTP")


def _link_fault(objects: ObjectStore, key: str) -> Trial | None:
    """Fetch an object by its link, as a client would."""
    link = objects.link(key, LINK_SECONDS)
    if link is None:
        return None
    remedy = "correct ATELIER_BUCKET_LINKS: the endpoint under which clients reach the bucket, or off"
    place = link.partition("?")[0]  # what follows is the signature
    try:
        answer = httpx.get(link, timeout=5)
    except httpx.HTTPError as error:
        return Trial(fault=f"clients cannot fetch {place}: {type(error).__name__}", remedy=remedy)
    if answer.status_code != 200 or answer.content != PICTURE:
        return Trial(fault=f"clients cannot fetch {place}: status {answer.status_code}", remedy=remedy)
    return None
