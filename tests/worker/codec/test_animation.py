"""Animations are read as a viewer shows them, and written the same every time."""

import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shared.errors import AtelierError, CorruptImage, ImageTooLarge, TooManyFrames
from shared.images.limits import ImageLimits
from tests.support.images import pictures
from worker.codec.animation import Frame, decode_frames, encode_animation
from worker.codec.decode import decode

LIMITS = ImageLimits(min_side=1, max_frames=64)
FORMATS = ["gif", "webp"]
CIRCLE = (np.hypot(*np.mgrid[-12:12, -16:16]) < 9).astype(np.uint8) * 255


def moving(count: int = 4, milliseconds: int = 80, alpha: bool = False) -> list[Frame]:
    """A gradient that moves to the right, three pixels a frame."""
    rolled = [np.roll(pictures.gradient(), 3 * index, axis=1) for index in range(count)]
    shapes = [np.roll(CIRCLE, 3 * index, axis=1) if alpha else None for index in range(count)]
    return [Frame(rgb, shape, milliseconds) for rgb, shape in zip(rolled, shapes, strict=True)]


def grey(count: int = 6, milliseconds: int = 50) -> list[Frame]:
    """Noise in 256 levels of grey."""
    noise = np.random.default_rng(3).integers(0, 256, (count, 28, 28, 1), np.uint8)
    return [Frame(np.repeat(picture, 3, axis=2), None, milliseconds) for picture in noise]


def distance(first: Frame, second: Frame) -> float:
    return float(np.abs(first.rgb.astype(float) - second.rgb).mean())


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("alpha", [False, True])
def test_frames_come_back_in_order_with_their_times_and_alpha(image_format, alpha):
    frames = moving(alpha=alpha)
    file = encode_animation(frames, format=image_format, quality=95, loop=True)
    back = decode_frames(file.data, LIMITS)
    assert (file.media_type, file.width, file.height) == (f"image/{image_format}", 32, 24)
    assert [frame.milliseconds for frame in back] == [80] * 4
    for sent, got in zip(frames, back, strict=True):
        if alpha:
            assert (got.alpha == sent.alpha).mean() > 0.99
        else:
            assert got.alpha is None
            assert distance(sent, got) < 6


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("alpha", [False, True])
def test_the_same_frames_give_the_same_bytes(image_format, alpha):
    first, second = (
        encode_animation(moving(alpha=alpha), format=image_format, quality=80, loop=True) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("image_format", FORMATS)
def test_an_animation_plays_for_ever_or_once(image_format):
    endless, once = (
        Image.open(BytesIO(encode_animation(moving(), format=image_format, quality=80, loop=loop).data))
        for loop in (True, False)
    )
    assert endless.info["loop"] == 0
    assert once.info.get("loop") == (None if image_format == "gif" else 1)  # without the mark a GIF ends


@pytest.mark.parametrize("image_format", ["gif", "png", "webp"])
def test_of_too_many_frames_the_first_may_be_used(image_format):
    data = pictures.gif(3) if image_format == "gif" else pictures.animated(image_format)
    limits = ImageLimits(min_side=1, max_frames=2)
    assert np.array_equal(decode(data, limits).rgb, decode(data, LIMITS).rgb)


@pytest.mark.parametrize("image_format", FORMATS)
def test_one_frame_is_an_animation_too(image_format):
    file = encode_animation(moving(1), format=image_format, quality=90, loop=True)
    (frame,) = decode_frames(file.data, LIMITS)
    assert distance(frame, moving(1)[0]) < 6


def test_a_gif_keeps_256_levels_of_grey_exactly():
    frames = grey()
    back = decode_frames(encode_animation(frames, format="gif", quality=1, loop=True).data, LIMITS)
    assert all(np.array_equal(sent.rgb, got.rgb) for sent, got in zip(frames, back, strict=True))


def test_a_gif_keeps_few_colors_exactly_beside_transparency():
    rgb = np.random.default_rng(1).integers(0, 256, (255, 3), np.uint8)[np.arange(24 * 32) % 255]
    frames = [Frame(rgb.reshape(24, 32, 3), CIRCLE, 40)] * 2
    back = decode_frames(encode_animation(frames, format="gif", quality=1, loop=True).data, LIMITS)
    assert all(np.array_equal(frame.rgb[CIRCLE > 0], frames[0].rgb[CIRCLE > 0]) for frame in back)


def test_what_stands_still_does_not_flicker_in_a_gif():
    photo = np.asarray(Image.open(BytesIO(pictures.photo(96, 64, "png"))))
    frames = [Frame(photo.copy(), None, 80) for _ in range(5)]
    for index, frame in enumerate(frames):
        frame.rgb[:16, 16 * index : 16 * index + 16] = (255, 0, 40 * index)
    back = decode_frames(encode_animation(frames, format="gif", quality=1, loop=True).data, LIMITS)
    assert all(np.array_equal(frame.rgb[16:], back[0].rgb[16:]) for frame in back)


def test_what_does_not_change_takes_no_room_in_a_gif():
    still = encode_animation(grey(1) * 20, format="gif", quality=1, loop=True)
    assert len(still.data) < len(encode_animation(grey(2), format="gif", quality=1, loop=True).data)
    assert len(decode_frames(still.data, LIMITS)) == 20


@given(milliseconds=st.lists(st.integers(20, 10_000), min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_a_gif_does_not_drift(milliseconds):
    frames = [Frame(frame.rgb, None, time) for frame, time in zip(grey(12), milliseconds, strict=False)]
    file = encode_animation(frames, format="gif", quality=1, loop=True)
    back = [frame.milliseconds for frame in decode_frames(file.data, LIMITS)]
    if len(frames) > 1:
        assert abs(sum(back) - sum(milliseconds)) <= 5
        assert max(abs(a - b) for a, b in zip(back, milliseconds, strict=True)) < 10


@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp", "gif", "tiff", "bmp"])
def test_a_still_picture_is_one_frame(image_format):
    data = pictures.ordinary()[image_format]
    (frame,) = decode_frames(data, LIMITS)
    assert np.array_equal(frame.rgb, decode(data, LIMITS).rgb)
    assert frame.milliseconds == 0


def test_the_pages_of_a_tiff_are_no_frames():
    assert len(decode_frames(pictures.animated("tiff"), LIMITS)) == 1


@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_lossless_frames_come_back_exactly(image_format):
    back = decode_frames(pictures.animated(image_format), LIMITS)
    for index, frame in enumerate(back):
        assert np.array_equal(frame.rgb, np.roll(pictures.gradient(), index, axis=1))
    assert [frame.milliseconds for frame in back] == [100] * 3  # the file states no time


def test_the_picture_for_viewers_without_animation_is_no_frame():
    pages = [Image.new("RGB", (16, 16), color) for color in ("red", "green", "blue")]
    data = pictures.save(
        pages[0], "png", save_all=True, append_images=pages[1:], default_image=True, duration=40
    )
    back = decode_frames(data, LIMITS)
    assert [frame.rgb[0, 0].tolist() for frame in back] == [[0, 128, 0], [0, 0, 255]]


@pytest.mark.parametrize("disposal", [1, 2, 3])
def test_frames_are_laid_over_those_before(disposal):
    """Each frame is a bar on a transparent ground; it stays, goes, or gives back what was below."""
    bars = []
    for index in range(3):
        bar = Image.new("RGBA", (24, 16), (0, 0, 0, 0))
        bar.paste((255, 80 * index, 0, 255), (8 * index, 0, 8 * index + 8, 16))
        bars.append(bar)
    data = pictures.save(bars[0], "gif", save_all=True, append_images=bars[1:], disposal=disposal)
    last = decode_frames(data, LIMITS)[-1]
    assert last.alpha is None if disposal == 1 else last.alpha is not None
    assert last.rgb[8, 20].tolist() == [255, 160, 0]


def gif_file(screen: int, *frames: tuple[int, int, int, int, int], background: int = 1) -> bytes:
    """Return a GIF of red, blue and green; each frame is left, top, side, color and disposal, all opaque."""
    palette = bytes([255, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0, 0])
    parts = [b"GIF89a", struct.pack("<HHBBB", screen, screen, 0xF1, background, 0), palette]
    for left, top, side, color, disposal in frames:
        whole = pictures.save(Image.new("L", (side, side), color), "gif", optimize=False)
        pixels = whole[whole.rindex(b",\0\0\0\0") + 10 : -1]
        parts.append(struct.pack("<BBBBHBB", 0x21, 0xF9, 4, disposal << 2, 4, 0, 0))
        parts.append(struct.pack("<BHHHHB", 0x2C, left, top, side, side, 0) + pixels)
    return b"".join([*parts, b";"])


def test_the_screen_of_a_gif_is_transparent_where_its_frame_is_not():
    for image in (
        decode(gif_file(24, (4, 8, 10, 0, 0)), LIMITS),
        decode_frames(gif_file(24, (4, 8, 10, 0, 0)), LIMITS)[0],
    ):
        assert image.alpha is not None
        assert np.argwhere(image.alpha).min(axis=0).tolist() == [8, 4]
        assert (image.alpha == 255).sum() == 100
        assert (image.rgb[image.alpha > 0] == (255, 0, 0)).all()


@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_grey_gif_may_be_smaller_than_its_screen_and_have_a_transparent_color(mode):
    image = Image.new(mode, (8, 8), 7)
    if mode == "P":
        image.putpalette([value // 3 for value in range(255 * 3)] + [255, 0, 0])
    image.putpixel((0, 0), 9)
    data = bytearray(pictures.save(image, "gif", transparency=9, optimize=False))
    data[6:10] = struct.pack("<HH", 16, 16)
    seen = decode(bytes(data), LIMITS)
    assert (seen.alpha == 255).sum() == 63
    assert (seen.rgb[seen.alpha > 0] == 7).all()


@pytest.mark.parametrize(("disposal", "kept"), [(1, 36), (2, 0), (3, 0)])
def test_what_a_frame_covered_is_clear_again_and_not_in_the_background_color(disposal, kept):
    data = gif_file(24, (0, 0, 6, 0, disposal), (12, 12, 6, 2, 1))
    first, second = decode_frames(data, LIMITS)
    assert (first.alpha == 255).sum() == 36
    assert (second.alpha == 255).sum() == kept + 36
    assert (second.rgb[12:18, 12:18] == (0, 255, 0)).all()


def test_a_later_frame_gives_back_what_was_below_it():
    data = gif_file(24, (0, 0, 24, 0, 1), (6, 6, 6, 2, 3), (12, 12, 6, 1, 2), (0, 0, 2, 2, 1))
    second, third, fourth = decode_frames(data, LIMITS)[1:]
    assert (second.alpha, second.rgb[8, 8].tolist()) == (None, [0, 255, 0])
    assert (third.alpha, third.rgb[8, 8].tolist()) == (None, [255, 0, 0])
    assert (fourth.alpha == 0).sum() == 36


@pytest.mark.parametrize("image_format", ["gif", "png", "webp"])
def test_too_many_frames_are_refused(image_format):
    data = pictures.gif(3) if image_format == "gif" else pictures.animated(image_format)
    with pytest.raises(TooManyFrames) as caught:
        decode_frames(data, ImageLimits(min_side=1, max_frames=2), field="/content")
    assert caught.value.errors[0].pointer == "/content"


def test_the_pixels_of_all_frames_together_are_limited():
    limits = ImageLimits(min_side=1, max_frames=8, max_pixels=2 * 24 * 32)
    with pytest.raises(ImageTooLarge, match="3 frames of 32 x 24 pixels, 2304 in all; at most 1536"):
        decode_frames(pictures.animated("webp"), limits, field="/content")


def test_a_later_frame_cannot_enlarge_a_gif_beyond_the_limits():
    data = bytearray(pictures.gif(2))
    second = data.index(b",", data.index(b",") + 10)
    while data[second : second + 5] != b",\0\0\0\0":
        second = data.index(b",", second + 1)
    data[second + 5 : second + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(ImageTooLarge, match="65535 x 65535"):
        decode_frames(bytes(data), LIMITS)


@pytest.mark.parametrize("image_format", ["gif", "png", "webp"])
def test_a_file_that_ends_early_is_refused(image_format):
    data = pictures.gif(8, 64, 64) if image_format == "gif" else pictures.animated(image_format, 8)
    with pytest.raises(CorruptImage):
        decode_frames(data[: len(data) - 60], LIMITS)


FILES = st.sampled_from([pictures.gif(4), pictures.animated("png"), pictures.animated("webp")])


@given(data=pictures.damage(FILES))
@settings(max_examples=150, deadline=None)
def test_damage_never_raises_anything_else(data):
    try:
        frames = decode_frames(data, LIMITS)
    except AtelierError:
        return
    assert len({frame.rgb.shape for frame in frames}) == 1


def test_frames_of_two_sizes_are_a_fault_of_the_program():
    frames = [*moving(1), Frame(np.zeros((8, 8, 3), np.uint8), None, 80)]
    with pytest.raises(ValueError, match="one size"):
        encode_animation(frames, format="gif", quality=90, loop=True)


def test_a_side_that_the_format_cannot_hold_is_refused():
    wide = Frame(np.zeros((1, 16_384, 3), np.uint8), None, 80)
    with pytest.raises(ImageTooLarge, match="16383"):
        encode_animation([wide], format="webp", quality=90, loop=True)
