"""The benchmark for GPUs, on a CPU: what it prints, and what it does where memory or time runs out."""

import json
import re
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from bench.models.gpu import RATE_COLUMNS, print_tables, rows_of
from bench.models.gpu_rates import SERVED, Memory, rate
from shared.errors import OutOfMemory

ROOT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"(digits|served|layer by layer) +(\d+ x \d+) +(\d+) +([\d.,e-]+) +([\d.]+) x +(\d+)")
FIRST = {"device": "CPU, 2 cores", "seconds": [1.0, 2.0, 3.0, 4.0]}
LATER = 3600.0


def child(*lines: str) -> list[str]:
    """A process that prints the row of one picture a call, then does as told."""
    row = json.dumps({"batch": 1, "rate": 3.5, "mebibytes": 1.0})
    return [sys.executable, "-c", "\n".join((f"print({row!r}, flush=True)", "import os, time", *lines))]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_quick_run_ends_with_a_table_of_positive_rates() -> None:
    command = [sys.executable, "-m", "bench.models.gpu", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.search(r"^Device: \w+", done.stdout, re.MULTILINE)
    header = next(line for line in done.stdout.splitlines() if line.startswith("network"))
    assert re.split(r" {2,}", header) == [*RATE_COLUMNS[:-1]]
    rows = ROW.findall(done.stdout)
    assert [row[:3] for row in rows] == [
        (network, size, batch)
        for network, size in (("digits", "28 x 28"), ("served", "64 x 48"), ("layer by layer", "64 x 48"))
        for batch in ("1", "2")
    ]
    assert all(float(row[3].replace(",", "")) > 0 for row in rows)
    firsts = re.findall(r"^(mnist-dcgan|magenta-mobile)((?: +\d+\.\d\d){5})$", done.stdout, re.MULTILINE)
    assert [name for name, _ in firsts] == ["mnist-dcgan", "magenta-mobile"]
    assert all(float(times.split()[-1]) > 0 for _, times in firsts)
    assert "[6/6] layer by layer 64 x 48, 2 a call: " in done.stderr


@pytest.mark.tensorflow
def test_a_batch_without_memory_is_told_and_smaller_ones_are_measured() -> None:
    import tensorflow as tf

    exhausted = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    def paint(count: int) -> None:
        if count > 2:
            raise {4: MemoryError(), 8: OutOfMemory("no memory"), 16: exhausted}[count]

    rows = [rate(paint, count, 0.0, Memory()) for count in (2, 4, 8, 16)]
    assert rows[0]["rate"] > 0
    assert rows[1:] == [{"note": "out of memory"}] * 3


def test_a_killed_process_costs_only_the_rows_that_it_did_not_reach(capsys: pytest.CaptureFixture) -> None:
    rows = list(rows_of(child("os.kill(os.getpid(), 9)"), [1, 2, 4], monotonic() + LATER))
    notes = [{"batch": batch, "note": "out of memory"} for batch in (2, 4)]
    assert rows == [{"batch": 1, "rate": 3.5, "mebibytes": 1.0}, *notes]
    print_tables({"magenta-mobile": FIRST}, [((SERVED, (384, 256)), row) for row in rows])
    printed = capsys.readouterr().out
    assert re.search(r"^served +384 x 256 +1 +3\.5 +1\.00 x +1$", printed, re.MULTILINE)
    assert re.search(r"^served +384 x 256 +4 +- +- +- +out of memory$", printed, re.MULTILINE)
    assert re.search(r"^magenta-mobile +1\.00 +2\.00 +3\.00 +4\.00 +10\.00$", printed, re.MULTILINE)


def test_a_process_that_fails_or_takes_too_long_is_told_apart() -> None:
    failed = list(rows_of(child("os._exit(3)"), [1, 2], monotonic() + LATER))
    assert failed[1:] == [{"batch": 2, "note": "its process ended with status 3"}]
    late = list(rows_of(child("time.sleep(600)"), [1, 2], monotonic() + 3))
    assert late[-1] == {"batch": 2, "note": "no time left"}
