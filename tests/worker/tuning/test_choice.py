"""Which settings win, from tables that are made up; and which are tried at all."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from worker.tuning.choice import STAGES, Limits, Measured, challengers, judge
from worker.tuning.tuned import Candidate

PLAIN = Candidate("plain", 4, 1, "bfc")
WIDE = Limits(memory_mebibytes=4000, p95=1000)
FASTER = (1.2, 1.18, 1.25, 1.19, 1.21)


def row(candidate: Candidate = PLAIN, *, memory: float = 900, milliseconds: float = 500) -> Measured:
    return Measured(candidate, times=[milliseconds] * 10, memory_mebibytes=memory)


@pytest.mark.parametrize(
    ("ratios", "wins", "why"),
    [
        (FASTER, True, "faster, +20 % ± 2"),
        ((1.02, 1.01, 1.02, 1.025, 1.02), False, "no clear gain, +2 % ± 0"),  # certain, and too little
        ((0.7, 1.5, 1.1, 0.9, 1.4), False, "within the noise, +10 % ± 45"),  # much, and not certain
        ((0.8, 0.7, 0.75, 0.9), False, "slower, -22 % ± 9"),
        ((1.0, 1.0, 1.0), False, "no clear gain, +0 %"),  # a tie keeps what is there
        ((1.3, 1.3, 1.3, 1.3, 0.2), True, "faster, +30 %"),  # one round in which others took the cores
    ],
)
def test_a_challenger_wins_by_more_than_the_noise(ratios: Sequence[float], wins: bool, why: str) -> None:
    verdict = judge(row(), row(), ratios, WIDE)
    assert verdict.wins is wins
    assert verdict.why.startswith(why)


@pytest.mark.parametrize(
    ("challenger", "why"),
    [
        (row(memory=4100), "needs 4,100 MiB, more than 4,000"),
        (row(milliseconds=1200), "a picture takes 1,200 ms, longer than 1,000"),
    ],
)
def test_no_speed_outweighs_a_limit(challenger: Measured, why: str) -> None:
    assert judge(row(), challenger, FASTER, WIDE) == (False, why)


def test_a_slower_one_that_keeps_the_limits_replaces_one_that_does_not() -> None:
    verdict = judge(row(memory=5000), row(), (0.5, 0.6, 0.55), WIDE)
    assert verdict.wins
    assert verdict.why.startswith("keeps the limits, -45 %")


def test_without_a_limit_of_time_a_picture_may_take_a_quarter_longer_than_by_default() -> None:
    limits = Limits.of(row(milliseconds=400), memory_mebibytes=4000, p95=None)
    assert not limits.broken_by(row(milliseconds=499))
    assert limits.broken_by(row(milliseconds=501)) == "a picture takes 501 ms, longer than 500"
    assert Limits.of(row(), memory_mebibytes=4000, p95=90).p95 == 90


def test_the_p95_is_that_of_single_pictures() -> None:
    assert Measured(PLAIN, times=[*range(1, 101)]).p95 == pytest.approx(95.05)
    assert (Measured(PLAIN, times=[7]).p95, Measured(PLAIN).p95) == (7, 0)


def tried(
    champion: Candidate,
    *,
    cores: int = 4,
    photos: int = 1,
    pinned: frozenset[str] = frozenset(),
    same_bytes: bool = False,
) -> set[Candidate]:
    how = {"cores": cores, "most_photos": photos, "pinned": pinned, "same_bytes": same_bytes}
    return {one for stage in STAGES for one in challengers(stage, champion, **how)}  # type: ignore[arg-type]


def test_kernels_threads_and_allocator_are_tried_one_after_the_other() -> None:
    threads = {(one.runners, one.intra_threads) for one in tried(PLAIN)}
    assert threads == {(4, 1), (2, 1), (2, 2), (1, 4)}
    changed = {(one.kernels, one.allocator) for one in tried(PLAIN)}
    assert changed == {("plain", "bfc"), ("onednn", "bfc"), ("plain", "malloc")}


def test_a_single_core_has_no_threads_to_divide() -> None:
    assert {(one.runners, one.intra_threads) for one in tried(replace(PLAIN, runners=1), cores=1)} == {(1, 1)}


def test_the_same_bytes_leave_kernels_and_threads_within_a_call() -> None:
    found = tried(replace(PLAIN, kernels="onednn"), same_bytes=True)
    assert {(one.kernels, one.intra_threads) for one in found} == {("onednn", 1)}
    assert len(found) == 2  # half of the runners; the other allocator


@pytest.mark.parametrize(("photos", "batches"), [(1, {1}), (2, {1, 2}), (16, {1, 8, 16}), (200, {1, 64})])
def test_photos_run_together_where_a_call_can_get_several(photos: int, batches: set[int]) -> None:
    found = tried(PLAIN, photos=photos, same_bytes=True)
    assert {one.photo_batch for one in found} == batches


@pytest.mark.parametrize("name", ["kernels", "runners", "intra_threads", "allocator", "photo_batch"])
def test_what_the_environment_decides_is_not_tried(name: str) -> None:
    found = tried(PLAIN, photos=4, pinned=frozenset({name}))
    assert found
    assert {getattr(one, name) for one in found} == {getattr(PLAIN, name)}
