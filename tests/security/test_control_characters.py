"""What strangers write steers no terminal and forges no line of a log, in real processes."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.local.redis_server import EmbeddedServer
from shared.logs import JsonFormatter, TextFormatter
from tests.support.http.gunicorn_server import running_gunicorn
from tests.support.http.raw_http import ask
from tests.support.images import pictures
from tests.support.log_text import EVENT, FORGED, forged_in, loose_lines, steers

EVIL = f"a\x1b[2J\x07\r\x9b1m\u202e\u2028\udcff\n{FORGED} path=/admin job_id=stolen"
RAW_LINES = ("GET /\x1b[2J HTTP/1.1", "G\x1bT / HTTP/1.1", "GET / HTTP/1\x1b", "GET / HTTP/1.1\r\nA\x1b: b",
             "GET / HTTP/1.1\r\nTransfer-Encoding: \x1b", "GET /%1b%0a HTTP/1.1\r\nExpect: \x1b")  # fmt: skip
HOSTILE = {"X-Request-Id": b"a\x9bb", "Idempotency-Key": b"a\x9bb", "Prefer": b"\x9b", "Origin": b"\x9b"}


def logged(formatter: logging.Formatter, error: Exception | None = None, **fields: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    record = logging.LogRecord("atelier.api", logging.INFO, "", 0, "answered", None, None)
    vars(record).update(fields)
    record.exc_info = (type(error), error, None) if error else None
    handler.handle(record)
    return stream.getvalue()


@given(st.text())
def test_the_text_of_an_error_looks_like_no_event(text: str) -> None:
    for error in (ValueError(f"{text}\n{FORGED}"), OSError(2, text, f"{text}\n{FORGED}")):
        first, *rest = logged(TextFormatter(), error).splitlines()
        assert EVENT.match(first)
        assert [line for line in rest if not line.startswith("    ")] == []


@given(st.text())
def test_a_value_adds_no_field(text: str) -> None:
    value = f"{text} status=200"
    line = logged(TextFormatter(), path=value, status=404)
    assert re.search(r' path=".*" status=404$', line.rstrip("\n")), line
    assert len(line.splitlines()) == 1


@given(st.text(), st.sampled_from([TextFormatter(), JsonFormatter()]))
def test_a_log_holds_nothing_that_steers(text: str, formatter: logging.Formatter) -> None:
    for value in (text, [text], {text: text}, Path(text.replace("\0", "")), text.encode("utf-8", "replace")):
        assert steers(logged(formatter, ValueError(text), path=value)) == []


PROGRAM = """
import sys, threading, warnings
from shared.logs import configure_logs
configure_logs(sys.argv[1], "INFO")
evil = sys.argv[2].encode().decode("unicode_escape")
def fail(): raise ValueError(evil)
class Late:
    def __del__(self): fail()
thread = threading.Thread(target=fail, name=evil)
thread.start(); thread.join()
late = Late(); del late
warnings.warn(evil)
fail()
"""


def run_program(*arguments: str, code: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_nothing_catches_is_logged_plainly(log_format: str) -> None:
    answer = run_program(log_format, EVIL.encode("unicode_escape").decode())
    assert answer.returncode == 1
    assert (steers(answer.stderr), forged_in(answer.stderr)) == ([], [])
    lines = answer.stderr.splitlines()
    events = [line for line in lines if EVENT.match(line)] if log_format == "text" else map(json.loads, lines)
    assert len(list(events)) == 4, answer.stderr


COMMAND = """
import sys
from atelier.cli import main
from atelier.commands import doctor
evil = sys.argv[1].encode().decode("unicode_escape")
def find(): raise RuntimeError(evil)
doctor.find = find
sys.argv = ["atelier", "doctor"]
main()
"""


def test_a_fault_of_a_command_is_told_plainly() -> None:
    answer = run_program(EVIL.encode("unicode_escape").decode(), code=COMMAND)
    assert answer.returncode == 1
    assert "RuntimeError: a\\x1b[2J" in answer.stderr
    assert (steers(answer.stderr), forged_in(answer.stderr)) == ([], [])


def test_a_setting_that_is_wrong_is_told_plainly(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "ATELIER_CARDS_DIR": f"/none/a\x1b[2J\n{FORGED}",
        "ATELIER_STATE_DIR": str(tmp_path),
    }
    for words in (["worker", "--queues", "io"], ["gunicorn", "-c", "python:api.gunicorn_conf"]):
        command = [sys.executable, "-m", *words]
        answer = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert answer.returncode == 78
        assert (steers(answer.stderr), forged_in(answer.stderr)) == ([], []), answer.stderr


def test_the_api_logs_what_strangers_write_plainly(server: EmbeddedServer, tmp_path: Path) -> None:
    """Every field of a request that a stranger can set: method, path, query, headers, form, body, names."""
    text = EVIL.replace("\udcff", "")
    with running_gunicorn(server.url, tmp_path, ATELIER_LOG_LEVEL="DEBUG") as running:
        _be_hostile(running.http, text)
        for line in RAW_LINES:
            ask(running.socket, f"{line}\r\nHost: a\x1b[2J\r\n\r\n".encode())
    log = running.log.read_text("utf-8", "replace")
    assert "forged" in log
    assert (steers(log), forged_in(log)) == ([], [])
    assert loose_lines(log) == []


def _be_hostile(http: httpx.Client, text: str) -> None:
    name = quote(text, safe="")
    http.get(f"/v1/jobs/{name}")
    http.put(f"/v1/jobs/{name}", json={"type": "generate"})
    http.delete(f"/v1/files/{name}")
    http.post("/v1/jobs", params={text: text}, json={text: text, "type": text, "metadata": {text: text}})
    job = {"type": "generate", "metadata": {"a": text}, "webhook": {"url": f"http://x/{text}"}}
    http.post("/v1/jobs", json=job, headers=HOSTILE)
    http.post(
        "/v1/batches", json={"items": [{"custom_id": text, "type": "generate"}], "metadata": {"a": text}}
    )
    http.post("/v1/files", files={"file": (text, pictures.png()[:30], "image/\x1bpng")})
    http.put(f"/v1/styles/{name}", content=pictures.png())
    http.post("/v1/jobs/stylize", files={text: (text, b"x")}, data={text: text})
