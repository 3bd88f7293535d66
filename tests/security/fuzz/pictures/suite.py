"""Have mutated pictures read in processes that are started again when one of them dies."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from tests.security.fuzz.pictures.mutations import Mutant, mutant
from tests.security.fuzz.pictures.reader import MOST_MEBIBYTES, MOST_SECONDS, Reading, serve
from tests.security.fuzz.report import Progress, Report, until_interrupted

PATIENCE_SECONDS = 120.0  # by the clock, on a machine that is busy with other things
READERS = 2
_SPAWN = multiprocessing.get_context("spawn")


class Reader:
    """A process that reads pictures."""

    def __init__(self, target: Callable[[Connection], None] = serve) -> None:
        self._target = target
        self._start()

    def _start(self) -> None:
        self._connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=self._target, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def read(self, data: bytes) -> Reading:
        """Return how a picture came out; if the process dies of it, another one is there for the next."""
        with suppress(EOFError, OSError):
            self._connection.send_bytes(data)
            if self._connection.poll(PATIENCE_SECONDS):
                reading: Reading = self._connection.recv()
                return reading
        self.close()
        status = self._process.exitcode
        self._start()
        return Reading("dead", f"the process that read it ended with status {status}")

    def close(self) -> None:
        """End the process."""
        self._process.join(0.1)
        self._process.kill()
        self._process.join()
        self._connection.close()


def fuzz_pictures(seed: int, numbers: Iterable[int], keep: Path, progress: Progress) -> Report:
    """Read the pictures of a run; those with findings are kept in a folder."""
    wanted = list(numbers)
    report, outcomes, readings = Report("pictures"), Counter[str](), []
    with until_interrupted(report):
        for made, reading in _read_all(seed, wanted):
            report.tried += 1
            outcomes[reading.outcome] += 1
            readings.append(reading)
            fault = fault_of(reading)
            if fault:
                (keep / f"picture-{seed}-{made.name.split()[0]}").write_bytes(made.data)
                report.add(f"seed {seed}, {made.name}", fault)
            progress(report.tried, len(wanted))
    report.notes |= {
        "outcomes": ", ".join(f"{count} {name}" for name, count in outcomes.most_common()),
        "most memory": f"{max((reading.mebibytes for reading in readings), default=0):.0f} MiB",
        "most time": f"{max((reading.seconds for reading in readings), default=0):.1f} s",
    }
    return report


def _read_all(seed: int, numbers: list[int]) -> Iterator[tuple[Mutant, Reading]]:
    readers: SimpleQueue[Reader] = SimpleQueue()
    all_readers = [Reader() for _ in range(READERS)]
    for reader in all_readers:
        readers.put(reader)

    def read(number: int) -> tuple[Mutant, Reading]:
        made, reader = mutant(seed, number), readers.get()
        try:
            return made, reader.read(made.data)
        finally:
            readers.put(reader)

    try:
        with ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(numbers), 100):  # a window: results hold their files
                yield from pool.map(read, numbers[start : start + 100])
    finally:
        for reader in all_readers:
            reader.close()


def fault_of(reading: Reading) -> str:
    """Return what is wrong with how a picture was read; "" if nothing is."""
    if reading.fault:
        return reading.fault
    if reading.mebibytes > MOST_MEBIBYTES:
        return f"it took {reading.mebibytes:.0f} MiB"
    if reading.seconds > MOST_SECONDS:
        return f"it took {reading.seconds:.1f} s of the processor"
    return ""
