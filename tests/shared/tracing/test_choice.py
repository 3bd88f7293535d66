"""Traces are recorded where the standard variables ask for them, and cost nothing elsewhere."""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from shared.tracing import choice
from shared.tracing.choice import NOT_INSTALLED, fault_of, is_wanted, open_tracing
from shared.tracing.spans import NO_TRACING

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, True),
    ],
)
def test_the_environment_says_whether_traces_are_recorded(environ: Mapping[str, str], wanted: bool) -> None:
    assert is_wanted(environ) == wanted


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER must be otlp or none; got 'zipkin'"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "must be http/protobuf; got 'grpc'"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ""),
    ],
)
def test_what_cannot_be_done_is_named(environ: Mapping[str, str], named: str) -> None:
    assert (named in fault_of(environ)) if named else (fault_of(environ) == "")


def test_a_process_without_the_extra_says_what_to_install_and_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(choice, "_PACKAGES", ("opentelemetry_that_nobody_installed.sdk",))
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    with caplog.at_level(logging.WARNING, "atelier.tracing"):
        assert open_tracing("atelier-api", "a") is NO_TRACING
    assert caplog.messages == [NOT_INSTALLED]


PROCESSES = """
import logging
logging.basicConfig(format="%(message)s")
import api.app, api.wsgi, atelier.cli, atelier.client.client
import worker.__main__, worker.process.io_worker, worker.runner
from shared.tracing.choice import open_tracing
open_tracing("a", "b")
"""
# Redis' client looks for the SDK's metrics by itself, where the extra is installed.
LOADED = """
asked = ("opentelemetry.exporter", "shared.tracing.open_telemetry")
sys.exit(", ".join(name for name in sys.modules if name.startswith(asked)) or 0)
"""
WITHOUT = """
class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refusal())
"""


@pytest.mark.parametrize(("before", "environ"), [("", {}), (WITHOUT, {}), (WITHOUT, ENDPOINT)])
def test_nothing_of_it_is_imported_where_nobody_asks_for_it_or_it_is_not_there(
    before: str, environ: Mapping[str, str]
) -> None:
    command = [sys.executable, "-c", "\n".join(["import sys", before, PROCESSES, LOADED])]
    given = {**os.environ, **environ}
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, NOT_INSTALLED if environ else "")
