"""`atelier tune` in whole: its options, its report, Ctrl-C, and a real run whose file a worker then uses."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from atelier.cli import main
from atelier.commands.machine import tune
from atelier.local.stack import RunningStack
from atelier.local.state_folder import read_record
from shared.redis.client import connect
from shared.settings import Settings
from shared.workers import WorkerRoster
from tests.reliability.conftest import LIGHT
from tests.support.models.light_models import write_cards
from tests.support.processes import children_of, is_alive
from tests.support.waiting import eventually
from worker.tuning.choice import Limits, Measured
from worker.tuning.contest import Outcome, Plan
from worker.tuning.contestant import Load
from worker.tuning.tuned import FORM, Candidate, Tuned, find_tuned, machine_of, to_json, tuned_file, untuned

START = [sys.executable, "-m", "atelier"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path))
    return Settings.from_env()


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Let a contest end at once with other kernels, within its limits; return what was planned."""
    plans: list[Plan] = []

    def measured(plan: Plan, _: Settings, *, when_idle: bool) -> Outcome:
        plans.append(plan)
        base = Measured(plan.base, times=[500], memory_mebibytes=800)
        best = Measured(replace(plan.base, kernels="onednn"), times=[400], memory_mebibytes=900)
        limits = Limits.of(base, memory_mebibytes=plan.memory_mebibytes, p95=plan.p95)
        return Outcome([base, best], best, limits, Load(whole=10, own=4, busy=7))

    monkeypatch.setattr(tune, "_measured", measured)
    return plans


def test_the_choice_is_written_and_told(settings: Settings, plans: list[Plan]) -> None:
    answer = CliRunner().invoke(main, ["tune"])
    assert answer.exit_code == 0, answer.output
    found = find_tuned(settings)
    assert found.settings == replace(untuned(settings, {}), kernels="onednn")
    assert tuned_file(settings).stat().st_mode & 0o777 == 0o600
    assert f"chosen: {found.settings}" in answer.stdout
    assert "other processes had 30 % of the cores meanwhile; on a quiet machine" in answer.stdout
    assert "differ in their bytes from those before; the numerics id tells them apart" in answer.stdout
    assert (plans[0].seconds, plans[0].same_bytes, plans[0].p95) == (90, False, None)


def test_a_second_run_of_the_same_choice_changes_no_bytes(settings: Settings, plans: list[Plan]) -> None:
    CliRunner().invoke(main, ["tune"])
    answer = CliRunner().invoke(main, ["tune", "--json"])
    found = json.loads(answer.stdout)
    assert (found["changes_bytes"], found["written"]) == (False, str(tuned_file(settings)))
    assert [row["kernels"] for row in found["rows"]] == ["plain", "onednn"]
    assert plans[1].base.kernels == "plain"  # what is measured against is the default
    CliRunner().invoke(main, ["tune", "--same-bytes"])
    assert plans[2].base.kernels == "onednn"  # unless the bytes are to stay


def test_a_dry_run_writes_nothing(settings: Settings, plans: list[Plan]) -> None:
    answer = CliRunner().invoke(main, ["tune", "--dry-run"])
    assert answer.exit_code == 0
    assert not tuned_file(settings).parent.exists()


def test_limits_that_nothing_keeps_fail_and_leave_what_was_there(
    settings: Settings, plans: list[Plan]
) -> None:
    CliRunner().invoke(main, ["tune"])
    before = tuned_file(settings).read_bytes()
    answer = CliRunner().invoke(main, ["tune", "--memory", "850", "--p95", "300"])
    assert answer.exit_code == 1
    assert "error: needs 900 MiB, more than 850; nothing was written. Loosen" in answer.stderr
    assert tuned_file(settings).read_bytes() == before


def test_where_the_environment_decides_on_all_nothing_is_measured(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KERNELS", "RUNNERS", "INTRA_THREADS"):
        monkeypatch.setenv(f"ATELIER_WORKER_{name}", "plain" if name == "KERNELS" else "1")
    monkeypatch.setenv("TF_CPU_ALLOCATOR_USE_BFC", "true")
    answer = CliRunner().invoke(main, ["tune"])
    assert answer.exit_code == 1
    assert "nothing is left to choose" in answer.stderr


def test_ctrl_c_ends_all_and_leaves_no_file(settings: Settings) -> None:
    with subprocess.Popen([*START, "tune"], stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: bool(children_of(process.pid)))
        below = children_of(process.pid)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; nothing was written" in said.splitlines()  # what filters the pull may be behind
    eventually(lambda: not any(map(is_alive, below)))
    assert list(tuned_file(settings).parent.iterdir()) == []


def light(folder: Path, *options: str) -> RunningStack:
    """Return an installation whose networks are stand-ins."""
    write_cards(folder / "cards")
    (folder / "cards" / "saved_model.pb").touch()  # the cards name their own folder as the model's
    stack = RunningStack(folder, wrap={"worker": LIGHT})
    stack._options += options
    return stack


@pytest.mark.slow
def test_atelier_up_measures_only_when_asked_and_when_no_job_runs(tmp_path: Path) -> None:
    with light(tmp_path) as stack:
        eventually(lambda: stack.log_text().count("not tuned for this machine: see `atelier tune`") == 1)
    with light(tmp_path, "--tune") as stack:
        eventually(lambda: "will measure this machine once no job has run" in stack.log_text())
        record = read_record(tmp_path)
        assert record is not None
        (tuner,) = set(children_of(record.pid)) - set(stack.processes().values())
        assert b"--when-idle" in Path(f"/proc/{tuner}/cmdline").read_bytes()
    eventually(lambda: not is_alive(tuner))


@pytest.mark.slow
def test_the_worker_of_atelier_up_uses_what_was_tuned(tmp_path: Path) -> None:
    stack, settings = light(tmp_path), Settings(state_dir=tmp_path)
    tuned = Tuned(FORM, "2026-11-29T12:00:00+00:00", machine_of(settings), Candidate("plain", 7, 1, "bfc"))
    tuned_file(settings).parent.mkdir()
    tuned_file(settings).write_bytes(to_json(tuned))
    with stack, connect(stack.redis_url) as client:
        assert [worker.runners for worker in WorkerRoster(client).live()] == [7]
        assert "tuned settings are used" in stack.log_text()
        assert "not tuned" not in stack.log_text()


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_real_run_ends_with_settings_that_hold_here(settings: Settings) -> None:
    environ = {**os.environ, "ATELIER_WORKER_RUNNERS": "1"}  # one duel, which is enough here
    command = [*START, "tune", "--seconds", "1", "--same-bytes", "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["allocator"] for row in found["rows"]] == ["bfc", "malloc"]
    for row in found["rows"]:
        rates = row["pictures_per_second"]
        assert rates["384"] > rates["1024"] > 0
        assert row["memory_mebibytes"] > 300
        assert row["p95_milliseconds"] > 0
    assert (found["pinned"], found["changes_bytes"]) == (["runners"], False)
    assert find_tuned(settings).settings == Candidate(**found["chosen"])
