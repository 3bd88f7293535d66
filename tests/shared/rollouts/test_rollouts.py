"""Which jobs get a new version, and how jobs of a version ended."""

from itertools import pairwise

import pytest

from shared.cards.card import bundled_cards, load_catalog
from shared.cards.parts import Range
from shared.errors import CorruptImage, RolloutNotFound
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Job
from shared.jobs.store import JobStore
from shared.pauses.model_limits import ModelLimits
from shared.pauses.store import PauseDraft, PauseStore
from shared.rollouts.choice import gets_new, narrower
from shared.rollouts.outcomes import read_outcomes
from shared.rollouts.store import Rollout, RolloutStore
from shared.specs.generate import GenerateSpec
from shared.specs.spec import JOB_SPEC, JobSpec
from tests.support.jobs.job_steps import submission, submit

NAME, OLD, NEW = "mnist-dcgan", "mnist-dcgan@4", "mnist-dcgan@5"


def rolled(share: float, version: str = "5") -> Rollout:
    return Rollout(NAME, version, share, ANONYMOUS, 1)


def seeded(seed: int, **fields: object) -> JobSpec:
    return JOB_SPEC.validate_python({"type": "generate", "seed": seed, **fields})


def submit_to(store: JobStore, model: str) -> str:
    spec = submission().spec.model_copy(update={"model": model})
    return submit(store, spec=spec, work=f"{model}:3")


def claim(store: JobStore, *models: str) -> Job:
    (job,) = store.claim_next("w", models=models)
    return job


def test_a_share_is_that_share_and_a_larger_one_has_all_of_a_smaller() -> None:
    jobs = [seeded(seed) for seed in range(2000)]
    chosen = [
        {spec.seed for spec in jobs if isinstance(spec, GenerateSpec) and gets_new(rolled(share), spec, "")}
        for share in (0.0001, 0.1, 0.3, 1.0)
    ]
    assert all(smaller <= larger for smaller, larger in pairwise(chosen))
    assert [len(each) > 0 for each in chosen][1:] == [True, True, True]
    assert 150 < len(chosen[1]) < 250
    assert len(chosen[3]) == 2000


def test_equal_jobs_get_one_version_and_those_without_a_seed_are_divided() -> None:
    half = rolled(0.5)
    for seed in range(50):
        plain = gets_new(half, seeded(seed), "one")
        assert plain == gets_new(half, seeded(seed, metadata={"a": "b"}, lane="bulk"), "two")
    drawn = JOB_SPEC.validate_python({"type": "generate"})
    assert {gets_new(half, drawn, str(salt)) for salt in range(50)} == {True, False}
    assert gets_new(half, drawn, "k") == gets_new(half, drawn, "k")


def test_a_version_that_takes_less_is_named_by_what_it_takes_less() -> None:
    current = next(card for card in bundled_cards() if card.name == NAME)
    fewer = {**current.parameters, "count": Range(minimum=1, maximum=8, default=1)}
    new = current.model_copy(update={"version": "5", "parameters": fewer})
    assert [fault.detail.partition(": ")[2] for fault in narrower(current, new)] == [
        "count has a narrower range"
    ]
    assert not list(narrower(new, current))
    painter = load_catalog().get("magenta-mobile")
    small = painter.model_copy(update={"max_side": 512, "fast": False})
    assert len(list(narrower(painter, small))) == 2


def test_a_rollout_is_begun_changed_and_ended_for_all_processes(store: JobStore) -> None:
    one, other = RolloutStore(store.scripts), RolloutStore(store.scripts)
    begun = one.begin(NAME, "5", 0.1, current="4", by="ops")
    assert one.recent() == other.all() == {NAME: begun}
    more = other.begin(NAME, "5", 0.5, current="4", by="ops")
    assert (more.began_at, more.share) == (begun.began_at, 0.5)
    assert one.warm() == {NAME, NEW}
    assert other.end(NAME).share == 0.5
    assert other.recent() == one.all() == {}
    with pytest.raises(RolloutNotFound):
        one.end(NAME)


def test_ends_are_counted_by_version_status_and_code(store: JobStore) -> None:
    for model in (NEW, NEW, NEW, OLD, NAME):
        submit_to(store, model)
    for _ in range(2):
        done = claim(store, NEW)
        store.succeed(done.id, done.attempt, outputs=(), timings={}, model=("5", "d"))
    bad = claim(store, NEW)
    store.fail(bad.id, bad.attempt, CorruptImage("torn"))
    store.cancel(claim(store, OLD).id, ANONYMOUS)
    plain = claim(store, NAME)
    store.succeed(plain.id, plain.attempt, outputs=(), timings={}, model=("4", "d"))
    new, old, none = read_outcomes(store.scripts, [NEW, OLD, "mnist-dcgan@6"])
    assert (new.ended, new.errors) == ({"succeeded": 2, "failed": 1}, {"corrupt_image": 1})
    assert (old.ended, len(new.run_seconds), len(old.run_seconds)) == ({"canceled": 1}, 2, 0)
    assert (none.ended, none.quantile(0.5)) == ({}, None)
    RolloutStore(store.scripts).begin(NAME, "5", 0.1, current="4", by="ops")
    assert [each.ended for each in read_outcomes(store.scripts, [NEW, OLD])] == [{}, {}]


def test_quantiles_are_of_the_latest_runs_alone(store: JobStore) -> None:
    key = store.scripts.keys("version", "runs", NEW)
    store.client.rpush(key, *range(1000, 101_000, 1000))
    (found,) = read_outcomes(store.scripts, [NEW])
    assert (found.quantile(0.5), found.quantile(0.95), found.quantile(1.0)) == (50.0, 95.0, 100.0)
    submit_to(store, NEW)
    store.client.rpush(key, *["7"] * 300)
    done = claim(store, NEW)
    store.succeed(done.id, done.attempt, outputs=(), timings={}, model=("5", "d"))
    assert store.client.llen(key) == 256


def test_limits_and_pauses_of_a_model_hold_for_its_versions(store: JobStore) -> None:
    ModelLimits(store.scripts).set(NAME, 1)
    first, second = submit_to(store, OLD), submit_to(store, NEW)
    assert claim(store, OLD, NEW).id == first
    assert store.claim_next("w", models=(OLD, NEW)) == []
    ModelLimits(store.scripts).set(NAME, None)
    pauses = PauseStore(store.scripts)
    of_name = pauses.create(PauseDraft("a test", ANONYMOUS, model=NAME), for_service=True)
    assert store.claim_next("w", models=(OLD, NEW)) == []
    pauses.end(of_name.id)
    pauses.create(PauseDraft("a test", ANONYMOUS, model=OLD), for_service=True)
    assert claim(store, OLD, NEW).id == second


def test_a_worker_without_the_version_passes_over_its_jobs(store: JobStore) -> None:
    waiting, other = submit_to(store, NEW), submit_to(store, NAME)
    assert claim(store, NAME, OLD).id == other
    assert store.claim_next("w", models=(NAME, OLD)) == []
    assert claim(store, NEW).id == waiting
