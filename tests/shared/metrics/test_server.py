"""The port of workers for `/metrics`: what it answers, and that nobody can hold it or have more of it."""

import http.client
import logging
import socket
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from shared.metrics import server as module
from shared.metrics.registry import new_registry
from shared.metrics.server import MOST_CONNECTIONS, serve_metrics
from shared.network_settings import MetricsSettings
from shared.settings import SettingsError
from tests.support.waiting import eventually


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = new_registry("worker")
    Counter("atelier_test", "Test.", registry=registry).inc(3)
    return registry


@pytest.fixture
def port(registry: CollectorRegistry) -> Iterator[int]:
    settings = MetricsSettings(port=free_port())
    server = serve_metrics(settings, registry)
    assert server is not None
    yield settings.port
    server.shutdown()
    server.server_close()


def ask(port: int, method: str = "GET", path: str = "/metrics") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_it_answers_one_path(port: int) -> None:
    status, text = ask(port)
    assert status == 200
    assert "atelier_test_total 3.0\n" in text
    assert 'atelier_build_info{process="worker",' in text
    assert "_created" not in text
    assert ask(port, path="/metrics?name=up")[0] == 200
    assert ask(port, path="/")[0] == 404
    assert ask(port, "POST")[0] == 501


def test_without_a_port_nothing_listens(registry: CollectorRegistry) -> None:
    assert serve_metrics(MetricsSettings(), registry) is None


def test_by_default_it_is_of_this_machine_alone() -> None:
    assert MetricsSettings(port=9480).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "word"), [("127.0.0.1", "Address already in use"), ("192.0.2.1", "Cannot assign")]
)
def test_a_port_that_cannot_be_had_is_refused_by_name(
    port: int, registry: CollectorRegistry, host: str, word: str
) -> None:
    with pytest.raises(SettingsError, match=rf"ATELIER_METRICS_PORT: {host}:{port} cannot .*{word}"):
        serve_metrics(MetricsSettings(host=host, port=port), registry)


def test_one_connection_too_many_is_closed_and_room_comes_back(port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(MOST_CONNECTIONS)]

    def is_refused() -> bool:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as one_more:
            one_more.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            try:
                return one_more.recv(1) == b""
            except ConnectionResetError:
                return True

    eventually(is_refused)
    for each in held:
        each.close()
    eventually(lambda: not is_refused())
    assert ask(port)[0] == 200


def test_one_who_sends_a_little_now_and_then_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        slow.sendall(b"GET /metr")
        assert slow.recv(1) == b""


def test_one_who_is_silent_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Handler, "timeout", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as silent:
        assert silent.recv(1) == b""


def test_nothing_of_a_request_reaches_the_log_or_the_answer(
    port: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        _, text = ask(port, path="/%1b[31mred<script>")
    assert "red" not in caplog.text + capfd.readouterr().err + text
