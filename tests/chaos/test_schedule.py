"""A seed decides everything, and every run meets every kind of trouble."""

from collections import Counter
from dataclasses import replace

from tests.chaos.bucket import TROUBLE
from tests.chaos.clients.batch_orders import STAMPEDE
from tests.chaos.faults import KINDS
from tests.chaos.plan import CLOCKED, Order, Scale
from tests.chaos.replicated import OF_OWN_SERVER
from tests.chaos.schedule import HOUR, INTERVENTIONS, draw_plan

SCALE = Scale(jobs=1000, seconds=90, lease_seconds=5)


def all_orders(seed: int) -> list[Order]:
    plan = draw_plan(seed, SCALE)
    return [*plan.stormy_orders, *(order for trial in plan.trials for order in trial.orders)]


def test_a_seed_gives_the_same_plan_again() -> None:
    assert draw_plan(7, SCALE) == draw_plan(7, SCALE)


def test_another_seed_gives_another_plan() -> None:
    one, other = draw_plan(7, SCALE), draw_plan(8, SCALE)
    assert one.faults != other.faults
    assert one.orders != other.orders


def test_every_fault_is_one_that_can_be_carried_out() -> None:
    behind = replace(SCALE, has_sentinels=True, has_trials=False)
    own = {fault.kind for seed in range(20) for fault in draw_plan(seed, SCALE).faults}
    replicated = {fault.kind for seed in range(6) for fault in draw_plan(seed, behind).faults}
    bucket = {
        fault.kind for seed in range(20) for fault in draw_plan(seed, replace(SCALE, has_bucket=True)).faults
    }
    assert own | replicated | bucket == set(KINDS)
    assert replicated - own == {"kill_primary", "stop_primary", "lose_replica"}
    assert own - replicated == OF_OWN_SERVER
    assert bucket - own == set(TROUBLE)


def test_with_sentinels_no_fault_is_for_the_own_server() -> None:
    plan = draw_plan(7, replace(SCALE, has_sentinels=True, has_trials=False))
    assert "redis" not in {fault.target for fault in plan.faults}


def test_a_run_without_a_disk_of_its_own_fills_none() -> None:
    plan = draw_plan(7, Scale(jobs=10, seconds=500, lease_seconds=1, has_disk=False, has_trials=False))
    assert "disk_full" not in {fault.kind for fault in plan.faults}


def test_orders_and_faults_come_in_order_of_time() -> None:
    plan = draw_plan(7, SCALE)
    for times in ([order.at for order in plan.orders], [fault.at for fault in plan.faults]):
        assert times == sorted(times)
        assert times[-1] <= SCALE.seconds + 1


def test_every_run_has_batches_of_some_of_its_jobs() -> None:
    for seed in range(20):
        batches = draw_plan(seed, SCALE).batches
        assert all(40 <= len(batch.orders) <= 50 for batch in batches)
        assert {item.batch for batch in batches for item in batch.orders} == {0, 1}


def test_a_batch_holds_the_poison_in_some_runs_and_not_in_others() -> None:
    held = [any(o.request.is_poison for o in draw_plan(seed, SCALE).batches[0].orders) for seed in range(10)]
    assert set(held) == {True, False}


def test_some_clock_is_fast_and_some_is_slow() -> None:
    for seed in range(20):
        clocks = draw_plan(seed, SCALE).clocks
        assert set(clocks) == set(CLOCKED)
        assert {HOUR, -HOUR} <= set(clocks.values())


def test_ten_runs_hold_enough_jobs_of_real_models() -> None:
    orders = [order for seed in range(1, 11) for order in all_orders(seed)]
    assert len(orders) == 10_000
    assert sum(not order.request.is_light for order in orders) >= 300


def test_both_kinds_of_poison_come_up() -> None:
    orders = [order for seed in range(1, 11) for order in draw_plan(seed, SCALE).stormy_orders]
    names = {order.request.name for order in orders if order.request.is_poison}
    assert names == {"poison-predict", "poison-decode"}


def test_every_run_has_poison_that_nobody_withdraws_and_a_stampede() -> None:
    for seed in range(20):
        orders = draw_plan(seed, SCALE).stormy_orders
        poison = [order for order in orders if order.request.is_poison]
        assert len(poison) == 1
        assert all(order.cancel_after is None and not order.is_deleted for order in poison)
        assert Counter(order.copies for order in orders)[STAMPEDE] == 1


def test_every_order_has_a_number_of_its_own() -> None:
    assert sorted(order.number for order in all_orders(7)) == list(range(SCALE.jobs))


def test_an_operator_does_everything_in_a_run_of_a_usual_length() -> None:
    for seed in range(5):
        plan = draw_plan(seed, SCALE)
        assert {(each.kind, each.lane) for each in plan.interventions} == set(INTERVENTIONS)
        assert all(each.at + each.seconds < SCALE.seconds * 1.5 for each in plan.interventions)


def test_some_batches_make_a_sample_and_some_have_a_brake() -> None:
    batches = [batch for seed in range(10) for batch in draw_plan(seed, SCALE).batches]
    assert {batch.sample for batch in batches} == {None, 5}
    assert {batch.has_brake for batch in batches} == {True, False}


def test_every_run_has_jobs_that_paint_what_another_one_makes() -> None:
    for seed in range(10):
        orders = {order.number: order for order in draw_plan(seed, SCALE).orders}
        chained = [order for order in orders.values() if order.parent is not None]
        assert len(chained) >= 10
        for order in chained:
            parent = orders[order.parent]
            assert (parent.request, parent.is_deleted) == (order.request.parent, False)
            assert parent.at <= order.at
