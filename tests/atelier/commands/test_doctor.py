"""What `atelier doctor` finds, on a good machine and on broken ones."""

import errno
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from atelier.doctor import Level, installation_checks, machine_checks
from atelier.doctor.server_checks import check_server
from atelier.doctor.worker_checks import check_workers
from atelier.local.redis_server import EmbeddedServer
from shared import machine_memory
from shared.cards.card import load_catalog
from shared.network_settings import ApiSettings
from shared.redis.client import Client
from shared.redis.permissions import acl_rules
from shared.setting_groups import DiskRules, RedisRules
from shared.settings import Settings
from shared.storage import places
from shared.workers import Worker, WorkerRoster
from worker.models.files.manifest import MANIFEST_FILE
from worker.tuning.tuned import FORM, Candidate, Tuned, machine_of, to_json, tuned_file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_it_says_of_a_good_machine_that_all_is_well(tmp_path: Path) -> None:
    environ = {**os.environ, "ATELIER_STATE_DIR": str(tmp_path), "ATELIER_API_PORT": "0"}
    command = [sys.executable, "-m", "atelier", "doctor", "--json"]
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    findings = {entry["name"]: entry for entry in map(json.loads, answer.stdout.splitlines())}
    assert answer.returncode == 0, answer.stdout
    assert findings["tensorflow"]["text"].startswith("TensorFlow 2.")
    assert findings["server program"]["level"] == "ok"
    assert findings["model mnist-dcgan"]["mend"].startswith("`atelier models pull mnist-dcgan`")


def test_a_wrong_setting_is_a_failure_with_its_name(tmp_path: Path) -> None:
    environ = {**os.environ, "ATELIER_API_PROT": "1"}
    command = [sys.executable, "-m", "atelier", "doctor"]
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    assert "fail\tsettings\t" in answer.stdout
    assert "did you mean ATELIER_API_PORT?" in answer.stdout


def test_a_state_folder_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = installation_checks.check_state_folder(Settings(state_dir=tmp_path / "file" / "state"))
    assert finding.level is Level.FAIL
    assert "ATELIER_STATE_DIR" in finding.mend


def test_a_container_may_do_without_a_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://redis:6379/0")
    (tmp_path / "file").touch()
    settings = Settings(state_dir=tmp_path / "file", storage_url=(tmp_path / "storage").as_uri())
    assert installation_checks.check_state_folder(settings).level is Level.WARN
    assert installation_checks.check_storage(settings).level is Level.OK
    assert installation_checks.check_disk(settings).text.endswith(f"free at {tmp_path / 'storage'}")


def test_a_read_only_file_system_is_no_fault_of_a_container(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(places.tempfile, "TemporaryFile", refuse)
    assert installation_checks.check_state_folder(settings).level is Level.FAIL
    monkeypatch.setenv("REDIS_URL", "redis://redis:6379/0")
    assert installation_checks.check_state_folder(settings).level is Level.OK


def test_a_storage_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(storage_url=(tmp_path / "file" / "storage").as_uri())
    finding = installation_checks.check_storage(settings)
    assert finding.level is Level.FAIL
    assert "ATELIER_STORAGE_URL" in finding.mend


def test_a_port_in_use_is_a_failure(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        api = ApiSettings(port=taken.getsockname()[1])
        finding = installation_checks.check_port(Settings(state_dir=tmp_path, api=api))
    assert finding.level is Level.FAIL
    assert "in use" in finding.text


def test_little_disk_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation_checks, "GOOD_DISK", 10**18)
    assert installation_checks.check_disk(settings).level is Level.WARN
    monkeypatch.setattr(installation_checks, "LEAST_DISK", 10**18)
    assert installation_checks.check_disk(settings).level is Level.FAIL


@pytest.mark.parametrize(("quota", "level"), [(0, Level.WARN), (1000, Level.OK)])
def test_room_that_is_made_without_a_quota_is_told(tmp_path: Path, quota: int, level: Level) -> None:
    disk = DiskRules(reclaim="oldest", quota_mebibytes=quota)
    finding = installation_checks.check_disk(Settings(state_dir=tmp_path, disk=disk))
    assert (finding.level, "ATELIER_DISK_QUOTA_MEBIBYTES" in (finding.mend)) == (level, quota == 0)


def test_a_damaged_model_is_a_failure(settings: Settings) -> None:
    card = load_catalog().get("mnist-dcgan")
    folder = settings.models / card.name / card.version
    folder.mkdir(parents=True)
    (folder / MANIFEST_FILE).write_text("{}", "utf-8")
    findings = {finding.name: finding for finding in installation_checks.check_models(settings)}
    assert findings["model mnist-dcgan"].level is Level.FAIL
    assert findings["model magenta-mobile"].level is Level.WARN


def test_a_server_that_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "redis://127.0.0.1:9/0"
    monkeypatch.setenv("REDIS_URL", url)
    (finding,) = check_server(Settings(redis_url=url))
    assert finding.level is Level.FAIL


def test_a_server_that_evicts_or_forgets_is_told(
    server: EmbeddedServer, redis_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    settings = Settings(redis_url=server.url)
    assert [f.level for f in check_server(settings)][:3] == [Level.OK] * 3
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert check_server(settings)[2].level is Level.FAIL
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")


def test_a_right_that_the_servers_user_lacks_is_told(
    server: EmbeddedServer, redis_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = acl_rules().replace("+xadd", "").replace("~atelier.*", "").split()
    redis_client.execute_command("ACL", "SETUSER", "poor", "reset", "on", ">pw", *rules)
    url = server.url.replace("unix://", "unix://poor:pw@")
    monkeypatch.setenv("REDIS_URL", url)
    (finding,) = check_server(Settings(redis_url=url))
    redis_client.execute_command("ACL", "DELUSER", "poor")
    assert finding.level is Level.FAIL
    assert finding.text == "the server's user lacks ~atelier.* +xadd"


def test_replicas_that_are_not_there_are_told(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    *_, finding = check_server(Settings(redis_url=server.url, redis=RedisRules(replicas=2)))
    assert (finding.level, finding.text[:19]) == (Level.FAIL, "0 of the 2 replicas")


def test_time_that_is_ahead_of_the_servers_clock_is_told(
    server: EmbeddedServer, redis_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    redis_client.hset("atelier:clock", "ahead", 300_000)
    *_, finding = check_server(Settings(redis_url=server.url))
    assert (finding.level, finding.text[:18]) == (Level.WARN, "time is 300 s ahea")


@pytest.mark.parametrize(
    ("own", "file"), [("0::/", "memory.max"), ("4:memory:/", "memory/memory.limit_in_bytes")]
)
def test_memory_counts_the_limit_of_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, file: str
) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / file).write_text("500000000\n", "ascii")
    (tmp_path / "own").write_text(f"{own}\n", "ascii")
    monkeypatch.setattr(machine_memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine_memory, "OWN_CGROUPS", tmp_path / "own")
    assert machine_checks.free_memory() == 500_000_000
    assert machine_checks.check_memory().level is Level.FAIL


def test_a_missing_tensorflow_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_checks, "_ASK_TENSORFLOW", "import no_such_package")
    finding = machine_checks.check_tensorflow()
    assert finding.level is Level.FAIL
    assert "No module named 'no_such_package'" in finding.text
    assert "pip install '.[worker]'" in finding.mend


def test_tuned_settings_are_told_and_so_is_why_they_are_not_used(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = installation_checks.check_tuning(settings)
    assert (none.level, none.text[:21]) == (Level.OK, "none: `atelier tune` ")
    tuned = Tuned(FORM, "2026-11-29T12:00:00+00:00", machine_of(settings), Candidate("onednn", 2, 1, "bfc"))
    tuned_file(settings).parent.mkdir()
    tuned_file(settings).write_bytes(to_json(tuned))
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    used = installation_checks.check_tuning(settings)
    shown = "onednn, 2 x 1 threads, bfc, measured 2026-11-29; the environment decides on kernels"
    assert (used.level, used.text) == (Level.OK, shown)
    stale = replace(tuned, machine=replace(tuned.machine, processor="abacus"))
    tuned_file(settings).write_bytes(to_json(stale))
    passed_over = installation_checks.check_tuning(settings)
    assert (passed_over.level, passed_over.mend) == (Level.WARN, "`atelier tune`")
    assert passed_over.text == "tuned settings are not used: they were measured with other processor"


@pytest.mark.parametrize(
    ("numerics", "level"), [([], Level.OK), (["a", "a", ""], Level.OK), (["a", "b", "a"], Level.WARN)]
)
def test_workers_that_compute_by_other_kernels_are_told(
    numerics: list[str],
    level: Level,
    redis_client: Client,
    server: EmbeddedServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, name in enumerate(numerics):
        WorkerRoster(redis_client).announce(Worker(f"w{number}", 1, (), numerics=name))
    monkeypatch.setenv("REDIS_URL", server.url)
    finding = check_workers(settings.model_copy(update={"redis_url": server.url}))
    assert finding.level is level
    assert ("a (2), b (1)" in finding.text) is (level is Level.WARN)


def test_without_a_server_no_worker_is_compared(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert check_workers(settings).level is Level.OK
