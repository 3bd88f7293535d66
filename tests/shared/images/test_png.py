"""An APNG whose sequence is broken in any way is the still picture that it falls back to."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from shared.images.limits import ImageLimits
from shared.images.probe import probe
from tests.support.images import pictures
from worker.codec.decode import decode

LIMITS = ImageLimits(max_frames=10)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
FIRST = pictures.gradient(24, 16)
Chunks = list[tuple[bytes, bytes]]


def split(data: bytes) -> Chunks:
    chunks, position = [], len(SIGNATURE)
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        chunks.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return chunks


def joined(chunks: Chunks) -> bytes:
    parts = [
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in chunks
    ]
    return SIGNATURE + b"".join(parts)


def animation() -> Chunks:
    """Return the chunks of three frames, each unlike the one before."""
    frames = [Image.fromarray(np.roll(FIRST, 3 * number, axis=1)) for number in range(3)]
    buffer = BytesIO()
    frames[0].save(buffer, "png", save_all=True, append_images=frames[1:], duration=100)
    return split(buffer.getvalue())


def places(chunks: Chunks, kind: bytes) -> list[int]:
    return [place for place, chunk in enumerate(chunks) if chunk[0] == kind]


def changed(kind: bytes, number: int, change: Callable[[bytes], bytes]) -> Callable[[Chunks], None]:
    def damage(chunks: Chunks) -> None:
        place = places(chunks, kind)[number]
        chunks[place] = (kind, change(chunks[place][1]))

    return damage


def removed(kind: bytes, number: int) -> Callable[[Chunks], None]:
    return lambda chunks: chunks.__delitem__(places(chunks, kind)[number])


def doubled(chunks: Chunks) -> None:
    chunks.insert(places(chunks, b"fcTL")[0] + 1, chunks[places(chunks, b"acTL")[0]])


def pixels_first(chunks: Chunks) -> None:
    chunks.insert(places(chunks, b"fcTL")[0], chunks[places(chunks, b"fdAT")[0]])


def numbered(damage: Callable[[Chunks], None]) -> Callable[[Chunks], None]:
    """Return the damage with all numbers of the sequence in order, so that they do not tell."""

    def damage_in_order(chunks: Chunks) -> None:
        damage(chunks)
        motion = [place for place, (kind, _) in enumerate(chunks) if kind in (b"acTL", b"fcTL", b"fdAT")]
        for number, place in enumerate(motion[1:]):
            kind, body = chunks[place]
            chunks[place] = (kind, number.to_bytes(4, "big") + body[4:])

    return damage_in_order


DAMAGES: dict[str, Callable[[Chunks], None]] = {
    "more frames than there are": changed(b"acTL", 0, lambda body: struct.pack(">I", 4) + body[4:]),
    "fewer frames than there are": changed(b"acTL", 0, lambda body: struct.pack(">I", 2) + body[4:]),
    "two counts of frames": doubled,
    "two counts of frames, numbered": numbered(doubled),
    "pixels before the first frame": numbered(pixels_first),
    "a frame without pixels, numbered": numbered(removed(b"fdAT", 0)),
    "a long count of frames": changed(b"acTL", 0, lambda body: body + b"\0"),
    "a number left out": changed(b"fcTL", 1, lambda body: struct.pack(">I", 9) + body[4:]),
    "a frame beyond the canvas": changed(
        b"fcTL", 1, lambda body: body[:12] + struct.pack(">I", 20) + body[16:]
    ),
    "a frame without an area": changed(b"fcTL", 1, lambda body: body[:4] + bytes(4) + body[8:]),
    "a short control of a frame": changed(b"fcTL", 1, lambda body: body[:-1]),
    "a frame without pixels": removed(b"fdAT", 0),
    "a last frame without pixels": removed(b"fdAT", -1),
    "pixels without a frame": removed(b"fcTL", 0),
}


def test_a_sound_sequence_is_an_animation() -> None:
    data = joined(animation())
    assert probe(data, LIMITS).frames == 3
    assert probe(data, replace(LIMITS, max_frames=1)).frames == 2  # counted no further


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_broken_sequence_is_the_picture_that_it_falls_back_to(damage: Callable[[Chunks], None]) -> None:
    chunks = animation()
    damage(chunks)
    data = joined(chunks)
    assert probe(data, LIMITS).frames == 1
    assert np.array_equal(decode(data, LIMITS).rgb, FIRST)


def test_a_sequence_with_a_wrong_check_sum_is_a_still_picture() -> None:
    data = bytearray(joined(animation()))
    place = data.index(b"fcTL", data.index(b"fcTL") + 4)
    data[place + 4 + 20] ^= 1  # the delay of the second frame
    assert probe(bytes(data), LIMITS).frames == 1
    assert np.array_equal(decode(bytes(data), LIMITS).rgb, FIRST)
