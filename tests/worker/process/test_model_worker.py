"""What a model worker takes from its settings and its machine."""

from importlib.metadata import PackageNotFoundError

import pytest

from shared.setting_groups import WorkerSettings
from shared.specs.parts import Lane
from worker.models import runtime
from worker.process import model_worker
from worker.process.model_worker import runners, served_lanes


def test_a_worker_serves_both_lanes_or_the_one_that_is_set() -> None:
    assert served_lanes(WorkerSettings()) == (Lane.INTERACTIVE, Lane.BULK)
    assert served_lanes(WorkerSettings(lane="bulk")) == (Lane.BULK,)


def test_in_a_container_with_a_limit_it_runs_no_more_models_than_the_limit_has_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_worker, "usable_cores", lambda: 3)
    assert runners(WorkerSettings()) == 3
    assert runners(WorkerSettings(runners=7)) == 7


@pytest.mark.parametrize(
    ("installed", "found"),
    [({"tensorflow": "2.21.0"}, "2.21.0"), ({"tensorflow-cpu": "2.21.1"}, "2.21.1"), ({}, "")],
)
def test_the_release_is_known_under_either_name(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, str], found: str
) -> None:
    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(runtime, "version", version)
    assert runtime.tensorflow_release() == found
