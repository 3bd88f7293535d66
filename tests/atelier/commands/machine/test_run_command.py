"""`atelier run`: what it becomes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from atelier.cli import main
from atelier.commands.machine.run import command_of
from atelier.local.redis_server import EmbeddedServer
from shared.network_settings import ApiSettings, MetricsSettings
from shared.settings import EXIT_CONFIGURATION, Settings


@pytest.mark.parametrize(
    ("host", "asked"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.0.0.1",) * 2],
)
def test_the_api_is_asked_where_it_listens(host: str, asked: str) -> None:
    command, _ = command_of("api", Settings(api=ApiSettings(host=host, port=9000)))
    assert f"http://{asked}:9000/healthz" in command


def test_both_workers_of_a_host_have_a_health_file(tmp_path: Path) -> None:
    files = {process: command_of(process, Settings(state_dir=tmp_path)) for process in ("worker", "io")}
    for command, environ in files.values():
        assert environ["ATELIER_WORKER_HEALTH_FILE"] in command
    assert len({environ["ATELIER_WORKER_HEALTH_FILE"] for _, environ in files.values()}) == 2


def test_workers_of_a_host_have_a_port_for_metrics_each(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, metrics=MetricsSettings(port=9480))
    asked = [("io", 1), ("worker", 1), ("worker", 2)]
    environs = [command_of(process, settings, number)[1] for process, number in asked]
    assert [environ["ATELIER_METRICS_PORT"] for environ in environs] == ["9480", "9481", "9482"]


def test_another_storage_than_that_of_the_others_is_refused(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execve", lambda _, command, __: started.append(command))
    monkeypatch.setenv("REDIS_URL", server.url)
    for name in ("one", "other"):
        monkeypatch.setenv("ATELIER_STORAGE_URL", (tmp_path / name).as_uri())
        answer = CliRunner().invoke(main, ["run", "worker"])
    assert answer.exit_code == EXIT_CONFIGURATION
    assert "name the same one on all hosts" in answer.stderr
    assert len(started) == 1
    assert CliRunner().invoke(main, ["run", "worker", "--adopt-storage"]).exit_code == 0
    assert len(started) == 2
