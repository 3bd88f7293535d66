"""Which lines tell of a job or a batch, and how log files are read while they grow and give way."""

import threading
from itertools import islice
from pathlib import Path

import pytest

from atelier.local.log_files import LogReader
from atelier.local.log_lines import Subject, line_of, matching
from atelier.supervisor.process_log import LOG_FILE, LogFile

FOLLOWED = 100  # lines, in four files
BATCH = "batch_" + "ab" * 16
ITEM = "job_" + "ab" * 16
EVENT = '{"ts": 1764000000.5, "level": "INFO", "logger": "atelier.api", "msg": "answered", "job_id": "job_1"}'


@pytest.mark.parametrize(
    ("subject", "text", "found"),
    [
        ("job_1", '"job_id": "job_1"', True),
        ("job_1", "job_id=job_1 attempt=1", True),
        ("job_1", "/v1/jobs/job_1/outputs/0", True),
        ("job_1", "job_id=job_12", False),
        ("job_1", "job_id=job_1-2", False),  # an item of a batch
        ("job_1", "my_job_1", False),
        (BATCH, f"batch_id={BATCH}", True),
        (BATCH, f"job_id={ITEM}-17", True),
        (BATCH, f"job_id={ITEM}-17-2", True),  # the second try of an item
        (BATCH, f"job_id={ITEM}", False),
        (f"{ITEM}-1", f"job_id={ITEM}-17", False),
        (f"{ITEM}-1", f"job_id={ITEM}-1", True),
        ("a.b", "aXb", False),
    ],
)
def test_a_line_tells_of_an_id_that_stands_in_it_whole(subject: str, text: str, found: bool) -> None:
    assert Subject([subject]).is_in(text) == found


def test_what_is_indented_below_an_event_belongs_to_it() -> None:
    text = ["a job_1\n", "    Traceback\n", "b job_2\n", "    job_1 in a traceback\n", "c job_1\n"]
    told = [line.event["msg"] for line in matching(text, Subject(["job_1"]))]
    assert told == ["a job_1", "    Traceback", "c job_1"]


@pytest.mark.parametrize(
    ("prefix", "process"), [("", ""), ("api-1  | ", "api-1"), ("worker-2 | ", "worker-2")]
)
def test_the_name_of_a_container_may_stand_before_its_line(prefix: str, process: str) -> None:
    line = line_of(prefix + EVENT)
    assert (line.at, line.process) == (1764000000.5, process)
    assert list(line.lines()) == ["INFO    atelier.api: answered job_id=job_1"]


def test_files_are_read_from_the_oldest_line_on(tmp_path: Path) -> None:
    log = LogFile(tmp_path, most_bytes=50)
    for number in range(12):
        log.line(f"line {number:02d} {'x' * 10}")
    log.close()
    with LogReader(tmp_path / LOG_FILE) as reader, LogReader(tmp_path / "none.log") as none:
        found = [line.split()[1] for line in reader.kept()]
        assert found == [f"{number:02d}" for number in range(12)]
        assert list(none.kept()) == []


def test_each_line_that_comes_later_is_read_once_while_files_give_way(tmp_path: Path) -> None:
    log = LogFile(tmp_path, most_bytes=2000)
    log.line("first")
    read: list[str] = []
    paced = threading.Event()
    with LogReader(tmp_path / LOG_FILE) as reader:
        assert list(reader.kept()) == ["first\n"]
        follower = threading.Thread(target=lambda: read.extend(islice(reader.new(), FOLLOWED)), daemon=True)
        follower.start()
        for number in range(FOLLOWED):
            log.line(f"{number:04d} {'x' * 60}")
            if number % 20 == 19:  # not as many as fill a file: the next begins when this one was read
                paced.wait(0.6)
        follower.join(60)
    log.close()
    assert [line[:4] for line in read] == [f"{number:04d}" for number in range(FOLLOWED)]


def test_a_line_that_is_half_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / LOG_FILE
    path.write_text("whole\nha")
    with LogReader(path) as reader:
        assert list(reader.kept()) == ["whole\n"]
        with path.open("a") as file:
            file.write("lf\n")
        assert next(reader.new()) == "half\n"
