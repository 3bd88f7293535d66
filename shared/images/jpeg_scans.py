"""Follow the scans of a JPEG file: how well each coefficient is known where the file ends."""

from dataclasses import dataclass, field

from shared.images.structure import Unreadable

_COEFFICIENTS = 64  # of a block
_UNKNOWN = 255
_FINE = 1  # lowest bits that may be unknown: nobody sees them
_MAX_SCANS = 500  # programs write up to about 20; each costs a pass over the whole picture
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}


@dataclass(slots=True)
class Scans:
    """The scans that were seen. Each gives some coefficients of some components, to some lowest bit."""

    count: int = 0
    _levels: dict[int, bytearray] = field(default_factory=dict)  # by component: unknown low bits
    _is_progressive: bool = False
    _was_fine: bool = False  # before the last scan
    _is_whole: bool = True  # the last scan
    begins_blocks: bool = True  # whether the last scan brings means of blocks, which a small picture shows

    def begin_frame(self, header: bytes, marker: int) -> None:
        """Note the components that the frame header names."""
        self._is_progressive = marker in _PROGRESSIVE
        self._levels = {part: bytearray([_UNKNOWN]) * _COEFFICIENTS for part in header[6::3]}

    def add(self, header: bytes, *, is_whole: bool) -> None:
        """Note a scan by its header; raise Unreadable where no honest file has so many."""
        self.count += 1
        if self.count > _MAX_SCANS:
            raise Unreadable(f"it has more than {_MAX_SCANS} scans")
        components = header[1 : 1 + 2 * header[0] : 2] if header else b""
        first, last, low = self._range(header[-3:])
        self.begins_blocks = first == 0
        self._was_fine, self._is_whole = self._is_fine, is_whole
        for component in components:
            if component in self._levels:
                self._levels[component][first : last + 1] = bytes([low]) * (last + 1 - first)

    @property
    def known(self) -> float | None:
        """Share of the picture, 0 to 1, whose detail is there where the file ends in or behind the last scan.

        None where the last scan brings the detail: how far it goes, only decoding tells.
        """
        if self._was_fine or (self._is_fine and self._is_whole):
            return 1.0
        return None if self._is_fine else 0.0

    @property
    def _is_fine(self) -> bool:
        return bool(self._levels) and all(max(levels) <= _FINE for levels in self._levels.values())

    def _range(self, tail: bytes) -> tuple[int, int, int]:
        if not self._is_progressive or len(tail) < 3:
            return 0, _COEFFICIENTS - 1, 0
        return min(tail[0], _COEFFICIENTS - 1), min(tail[1], _COEFFICIENTS - 1), tail[2] & 15
