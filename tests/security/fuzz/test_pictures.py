"""Spoiled pictures are read or refused, in little memory and time; `make fuzz` reads 10,000."""

import os
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.security.fuzz.pictures import reader
from tests.security.fuzz.pictures.bombs import BOMBS
from tests.security.fuzz.pictures.mutations import mutant
from tests.security.fuzz.pictures.parts import join, split
from tests.security.fuzz.pictures.reader import MOST_MEBIBYTES, MOST_SECONDS, Reading
from tests.security.fuzz.pictures.sources import sources
from tests.security.fuzz.pictures.suite import Reader, fault_of, fuzz_pictures

PICTURES = 300
SEED = 1

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads /proc")


@pytest.mark.slow
def test_spoiled_pictures_are_read_or_refused(tmp_path: Path) -> None:
    report = fuzz_pictures(SEED, range(PICTURES), tmp_path, lambda *_: None)
    assert (report.tried, report.findings) == (PICTURES, [])
    assert {"picture", "corrupt_image", "image_too_large"} <= set(
        report.notes["outcomes"].replace(",", "").split()
    )


def test_every_format_is_spoiled_the_same_way_again() -> None:
    names = {"avif", "bmp", "gif", "heic", "jpeg", "png", "tiff", "webp"}
    assert {source.format for source in sources()} == names
    for number in range(1, 60):
        assert mutant(SEED, number) == mutant(SEED, number)
    assert len({mutant(SEED, number).data for number in range(1, 60)}) > 55


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_a_sound_file_comes_apart_and_is_read_again(source: object) -> None:
    parts = split(source.format, source.data)  # type: ignore[attr-defined]
    assert len(parts) > 1 or source.format == "webp"  # type: ignore[attr-defined]
    outcome, fault = reader.read(join(source.format, parts))  # type: ignore[attr-defined]
    assert (outcome in ("picture", "animation"), fault) == (True, "")


@pytest.mark.parametrize("name", ["few wild frames", "EXIF in a png", "a loop of directories"])
def test_bombs_are_made(name: str) -> None:
    outcome, fault = reader.read(BOMBS[name]())
    assert (outcome in ("picture", "image_too_large"), fault) == (True, "")


@pytest.mark.parametrize(
    ("reading", "fault"),
    [
        (Reading("picture"), ""),
        (Reading("corrupt_image"), ""),
        (Reading("exception", "KeyError: 3"), "KeyError: 3"),
        (Reading("picture", mebibytes=MOST_MEBIBYTES + 1), "it took 1201 MiB"),
        (Reading("picture", seconds=MOST_SECONDS + 0.5), "it took 5.5 s of the processor"),
    ],
)
def test_what_is_too_much_is_a_finding(reading: Reading, fault: str) -> None:
    assert fault_of(reading) == fault


def test_an_exception_that_is_not_documented_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("tile")

    monkeypatch.setattr(reader, "decode", fail)
    assert reader.read(sources()[0].data) == ("exception", "KeyError: 'tile'")


def greedy(connection: Connection) -> None:
    reader.read = lambda data: (f"{len(bytearray(4 << 30))} bytes", "")  # type: ignore[assignment]
    reader.serve(connection)


def endless(connection: Connection) -> None:
    def compute(_: bytes) -> tuple[str, str]:
        while True:
            pass

    reader.read, reader.MOST_SECONDS, reader._SPARE_SECONDS = compute, 0, 1  # type: ignore[assignment]
    reader.serve(connection)


def deadly(connection: Connection) -> None:
    reader.read = lambda data: os._exit(7) if data == b"poison" else ("picture", "")  # type: ignore[assignment]
    reader.serve(connection)


@pytest.mark.slow
@pytest.mark.parametrize("target", [greedy, endless, deadly])
def test_a_picture_that_breaks_its_reader_is_a_finding_and_the_next_is_read(target: object) -> None:
    broken = Reader(target)  # type: ignore[arg-type]
    try:
        assert broken.read(b"poison").outcome == "dead"
        if target is deadly:
            assert broken.read(b"sound").outcome == "picture"
    finally:
        broken.close()
