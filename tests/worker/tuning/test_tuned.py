"""The file of tuned settings: used on its machine alone, and never against the operator's environment."""

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from shared.settings import Settings
from worker.tuning.tuned import (
    ALLOCATOR,
    FORM,
    ONEDNN,
    Candidate,
    Tuned,
    find_tuned,
    in_force,
    machine_of,
    pinned,
    to_json,
    tuned_file,
    untuned,
    with_tuned,
)

FOUND = Candidate("onednn", 3, 2, "malloc", 4)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in (ALLOCATOR, ONEDNN):
        monkeypatch.setenv(name, "")  # so that what the test sets ends with it
        monkeypatch.delenv(name)
    return Settings(state_dir=tmp_path)


def write(settings: Settings, **changes: object) -> None:
    """Write tuned settings of this machine, or with these changes to the file."""
    tuned = Tuned(FORM, "2026-11-29T12:00:00+00:00", machine_of(settings), FOUND)
    tuned_file(settings).parent.mkdir(exist_ok=True)
    tuned_file(settings).write_bytes(to_json(replace(tuned, **changes)))  # type: ignore[arg-type]


def test_a_worker_uses_what_was_tuned(settings: Settings) -> None:
    write(settings)
    worker = with_tuned(settings).worker
    assert (worker.kernels, worker.runners, worker.intra_threads, worker.photo_batch) == ("onednn", 3, 2, 4)
    assert os.environ[ALLOCATOR] == "false"
    assert in_force(settings, {}) == FOUND


def test_without_a_file_a_worker_runs_as_ever(settings: Settings) -> None:
    assert with_tuned(settings) is settings
    assert ALLOCATOR not in os.environ
    assert find_tuned(settings).fault == ""
    assert untuned(settings, {}) == in_force(settings, {})


def test_the_operators_environment_wins(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write(settings)
    for name, value in {"ATELIER_WORKER_RUNNERS": "7", "ATELIER_WORKER_KERNELS": "plain"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(ALLOCATOR, "true")
    monkeypatch.setenv("ATELIER_WORKER_INTRA_THREADS", "")  # empty is as good as absent, as in a compose file
    own = Settings.from_env().model_copy(update={"state_dir": settings.state_dir})
    worker = with_tuned(own).worker
    assert (worker.kernels, worker.runners, worker.intra_threads) == ("plain", 7, 2)
    assert os.environ[ALLOCATOR] == "true"
    assert pinned(own, os.environ) == {"kernels", "runners", "allocator"}


def test_tensorflows_own_variable_decides_on_kernels_too(settings: Settings) -> None:
    write(settings)
    assert in_force(settings, {ONEDNN: "0"}) == replace(FOUND, kernels="plain")
    assert untuned(settings, {ONEDNN: "1"}).kernels == "onednn"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"form": FORM + 1}, "another version of Atelier"),
        ({"machine": {"processor": "abacus", "cores": 999}}, "with other processor and cores"),
    ],
)
def test_settings_of_another_machine_are_passed_over_and_told_once(
    settings: Settings, caplog: pytest.LogCaptureFixture, changes: dict[str, object], why: str
) -> None:
    if isinstance(changes.get("machine"), dict):
        changes = {"machine": replace(machine_of(settings), **changes["machine"])}  # type: ignore[arg-type]
    write(settings, **changes)
    with caplog.at_level(logging.WARNING, "atelier.worker"):
        assert with_tuned(settings) is settings
    assert why in find_tuned(settings).fault
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"form": 1}', to_json(Tuned(FORM, "", None, replace(FOUND, runners=65)))],  # type: ignore[arg-type]
)
def test_a_damaged_file_is_passed_over(settings: Settings, text: bytes) -> None:
    write(settings)
    tuned_file(settings).write_bytes(text)
    assert find_tuned(settings).fault == f"{tuned_file(settings)} holds no tuned settings"
    assert with_tuned(settings) is settings


def test_a_file_that_cannot_be_read_is_told(settings: Settings) -> None:
    tuned_file(settings).mkdir(parents=True)
    assert "cannot be read" in find_tuned(settings).fault
