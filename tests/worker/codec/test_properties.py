"""What stands beside the pixels: other programs read it, pixels stay, equal properties are equal bytes."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from shared.images.limits import ImageLimits
from shared.images.recipe import RECIPE, recipe_in
from tests.support.images import pictures
from worker.codec.animation import Frame, decode_frames, encode_animation
from worker.codec.decode import decode
from worker.codec.encode import encode
from worker.codec.metadata import xmp_packet

LIMITS = ImageLimits(min_side=1, max_frames=8)
GRADIENT = pictures.gradient()
TEXT = '{"atelier":1,"model":"a@1","styles":[{"image":"file_0"}],"say":"\\u003cö"}'
PROPERTIES = {RECIPE: TEXT}


def xmp_of(data: bytes) -> str:
    image = Image.open(BytesIO(data))
    image.load()
    if image.format == "GIF":  # Pillow gives no XMP of these: by the signs that Adobe's specification has
        return data.partition(b"!\xff\x0bXMP DataXMP")[2].partition(b"\x01\xff\xfe")[0].decode()
    found = image.info.get("xmp") or image.info["XML:com.adobe.xmp"]
    return found.decode() if isinstance(found, bytes) else str(found)


def moving(format, properties=PROPERTIES):
    frames = [Frame(np.roll(GRADIENT, index, axis=1), None, 60) for index in range(3)]
    return encode_animation(frames, format=format, quality=90, loop=True, properties=properties).data


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_a_still_picture_carries_properties_and_keeps_its_pixels(image_format):
    bare = encode(GRADIENT, format=image_format, quality=90).data
    told = encode(GRADIENT, format=image_format, quality=90, properties=PROPERTIES).data
    assert xmp_of(told) == xmp_packet(PROPERTIES).decode()
    assert recipe_in(told) == TEXT
    assert (decode(told, LIMITS).rgb == decode(bare, LIMITS).rgb).all()
    assert told == encode(GRADIENT, format=image_format, quality=90, properties=dict(PROPERTIES)).data


@pytest.mark.parametrize("image_format", ["gif", "webp"])
def test_an_animation_carries_properties_and_keeps_its_frames(image_format):
    bare, told = moving(image_format, {}), moving(image_format)
    assert xmp_of(told) == xmp_packet(PROPERTIES).decode()
    assert recipe_in(told) == TEXT
    pairs = zip(decode_frames(bare, LIMITS), decode_frames(told, LIMITS), strict=True)
    assert all(
        (one.rgb == other.rgb).all() and one.milliseconds == other.milliseconds for one, other in pairs
    )


def test_a_gif_without_properties_has_no_block():
    assert len(moving("gif")) - len(moving("gif", {})) == 14 + len(xmp_packet(PROPERTIES)) + 258


def test_signs_of_xml_in_a_property_are_no_markup():
    packet = xmp_packet({RECIPE: "<a> & </b>"})
    assert b"<a>" not in packet
    assert recipe_in(packet) == "<a> & </b>"
