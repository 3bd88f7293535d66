"""Short random histories: one that is always the same, and another each time or by CHAOS_SEED."""

import os
import secrets
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.disk import can_mount
from tests.chaos.judging.report import print_findings, print_report
from tests.chaos.plan import Scale
from tests.chaos.run import run_seed, set_up

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow, pytest.mark.timeout(600)]

FIXED_SEED = 4
JOBS, SECONDS = 220, 40.0
LEASE_SECONDS = 2.5  # short: the faults come faster


def chosen_seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))


@pytest.mark.parametrize("seed", [FIXED_SEED, None], ids=["fixed", "drawn"])
def test_no_history_breaks_a_promise(seed: int | None, tmp_path: Path) -> None:
    seed = chosen_seed() if seed is None else seed
    print(f"replay: python -m tests.chaos --seed {seed} {arguments()}")
    has_disk = can_mount(tmp_path / "mount-trial")
    scale = Scale(JOBS, SECONDS, LEASE_SECONDS, has_disk=has_disk, has_trials=False)
    result = run_seed(seed, scale, set_up(tmp_path), lambda _: None)
    print_report([result], Console(width=160))
    print_findings(result, Console(width=160))
    assert len(result.facts.entries) == JOBS  # findings name those that were not accepted
    assert result.findings == ()  # times are judged by `make chaos`, on a machine that does nothing else


def arguments() -> str:
    return f"--jobs {JOBS} --seconds {SECONDS:g} --lease {LEASE_SECONDS:g} --no-trials"
