"""The size that a coded picture itself states: decoders allocate by this one, not by that of the file.

HEVC: ITU-T H.265, 7.3. AV1: AV1 Bitstream & Decoding Process Specification, 5.3 to 5.5.
"""

from collections.abc import Iterator

from shared.images.heif.boxes import Fields
from shared.images.structure import Budget, Unreadable

Size = tuple[int, int]

_HEADER_BYTES = 512  # of a sequence header, as far as its size lies
_SPS = 33
_MOST_VCL = 31  # kinds up to here hold pixels
_MOST_LAYERS = 4  # of an AV1 picture
_MOST_UNITS = 65_536
_SEQUENCE, _FRAME_HEADER, _FRAME = 1, 3, 6


class _Bits:
    """Reads bits; past the end it raises Unreadable."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise Unreadable("its data is damaged")
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """Return a number of as many bits as zeros come before it."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise Unreadable("its data is damaged")
        return (1 << zeros) - 1 + self.take(zeros)


def hevc_sizes(config: memoryview, data: bytes) -> Iterator[Size]:
    """Yield the size of each sequence header; Unreadable where there is not exactly one picture."""
    budget, pictures = Budget(_MOST_UNITS), 0
    length_size = (bytes(config[21:22]) or b"\3")[0] % 4 + 1
    for unit in [*_config_units(config, budget), *_units(data, length_size, budget)]:
        kind = unit[0] >> 1 & 63 if len(unit) > 2 else _MOST_VCL + 1
        if kind == _SPS:
            yield _hevc_size(bytes(unit[2:_HEADER_BYTES]))
        elif kind <= _MOST_VCL:
            pictures += unit[2] >> 7
    if pictures != 1:
        raise Unreadable("its data is damaged")


def _config_units(config: memoryview, budget: Budget) -> Iterator[memoryview]:
    fields = Fields(config[22:])
    for _ in range(fields.number(1)):
        fields.number(1)
        for _ in range(fields.number(2)):
            budget.spend()
            yield fields.take(fields.number(2))


def _units(data: bytes, length_size: int, budget: Budget) -> Iterator[memoryview]:
    view, at = memoryview(data), 0
    while at + length_size <= len(view):
        budget.spend()
        start = at + length_size
        at = start + int.from_bytes(view[at:start], "big")
        yield view[start:at]


def _hevc_size(packed: bytes) -> Size:
    """Return width and height without what is cut off at the edges."""
    bits = _Bits(packed.replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    bits.take(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.golomb()
    chroma = bits.golomb()
    bits.take(1 if chroma == 3 else 0)
    width, height = bits.golomb(), bits.golomb()
    if not bits.take(1):
        return width, height
    left, right, top, bottom = (bits.golomb() for _ in range(4))
    across, down = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
    return width - across * (left + right), height - down * (top + bottom)


def av1_sizes(config: memoryview, data: bytes) -> Iterator[Size]:
    """Yield the size of each sequence header; Unreadable where there are more frames than layers can be."""
    budget, frames = Budget(_MOST_UNITS), 0
    for kind, body in [*_obus(bytes(config[4:]), budget), *_obus(data, budget)]:
        if kind == _SEQUENCE:
            yield _av1_size(_Bits(bytes(body[:_HEADER_BYTES])))
        frames += kind in (_FRAME_HEADER, _FRAME)
    if not 0 < frames <= _MOST_LAYERS:
        raise Unreadable("its data is damaged")


def _obus(data: bytes, budget: Budget) -> Iterator[tuple[int, memoryview]]:
    view, at = memoryview(data), 0
    while at < len(view):
        budget.spend()
        first = view[at]
        at += 2 if first & 4 else 1
        size = len(view) - at
        if first & 2:
            size, at = _leb128(view, at)
        yield first >> 3 & 15, view[at : at + size]
        at += size


def _leb128(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(view[at : at + 8]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:
            return value, at + shift + 1
    raise Unreadable("its data is damaged")


def _av1_size(bits: _Bits) -> Size:
    bits.take(3 + 1)
    if bits.take(1):
        bits.take(5)
    else:
        _skip_operating_points(bits)
    widths = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(widths[0]) + 1, bits.take(widths[1]) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.golomb()
        if bits.take(1):  # the decoder's model
            delay_bits = bits.take(5) + 1
            bits.take(32 + 5 + 5)
    has_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        bits.take(1 if bits.take(5) > 7 else 0)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_delay and bits.take(1):
            bits.take(4)
