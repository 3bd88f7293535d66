"""One seed from beginning to end: a calm run, the load and the faults, settling, and the judgment."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path

import redis

from shared.identifiers import ANONYMOUS
from shared.maintenance.garbage import collect
from shared.redis.keys import PREFIX
from shared.specs.parts import Lane
from tests.chaos.clients.ledger import Ledger, Refusal
from tests.chaos.clients.load import Load
from tests.chaos.cluster import Cluster, Workshop, running
from tests.chaos.faults import Faults, Strike
from tests.chaos.judging.evidence import carry_out_calmly, forget_calm_jobs, gather
from tests.chaos.judging.facts import Facts
from tests.chaos.judging.figures import Figures, end_of, measure
from tests.chaos.judging.oracle import Finding, judge
from tests.chaos.monitor import Monitor, as_json, is_calm
from tests.chaos.plan import Fault, Order, Plan, Scale
from tests.chaos.schedule import draw_plan

TICK_SECONDS = 0.01
SETTLE_SECONDS = 240.0  # within which every job must be over after the last fault
CALM_SECONDS = 60.0  # for the workers to come back before a fault that strikes alone
LAST_ANSWERS_SECONDS = 10.0  # for clients that still look on when everything is over
TIDY_SECONDS = 20.0  # within which bytes that nobody names must be gone
REPEATED = 20  # orders that are submitted once more at the end

Say = Callable[[str], None]
Step = tuple[float, Callable[[], None]]  # what is started, and after how many seconds


@dataclass(frozen=True, slots=True)
class Result:
    """A run that is over."""

    plan: Plan
    facts: Facts
    findings: tuple[Finding, ...]
    figures: Figures
    strikes: tuple[Strike, ...]
    missed: int  # faults whose process was down already
    refusals: tuple[Refusal, ...]
    collected: int  # stored objects that `atelier gc` removed at the end: leftovers of crashes
    seconds: float

    @property
    def accepted(self) -> int:
        """How many orders were accepted."""
        return sum(1 for entry in self.facts.entries.values() if entry.ids)


def set_up(folder: Path) -> Workshop:
    """Make the stand-in model in another process, which takes TensorFlow's memory with it."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.chaos.light_model", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise RuntimeError(f"the stand-in model could not be made:\n{made.stderr[-2000:]}")
    return Workshop(folder, folder / "models", folder / "cards")


def run_seed(seed: int, scale: Scale, workshop: Workshop, say: Say) -> Result:
    """Carry out a seed's plan and judge it. The folder of a run without findings is removed."""
    began = time.monotonic()
    plan = draw_plan(seed, scale)
    folder = workshop.folder / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    say("starting")
    with running(plan, workshop, folder) as cluster:
        result = _Run(plan, cluster, folder, say).carry_out(began)
    if not result.findings:
        shutil.rmtree(folder, ignore_errors=True)
    return result


class _Run:
    def __init__(self, plan: Plan, cluster: Cluster, folder: Path, say: Say) -> None:
        self._plan = plan
        self._cluster = cluster
        self._folder = folder
        self._say = say
        self._ledger = Ledger(folder / "ledger.jsonl")
        self._load = Load(cluster.stack.url, self._ledger, run=f"s{plan.seed}")
        self._faults = Faults(cluster)
        self._monitor = Monitor(cluster)

    def carry_out(self, began: float) -> Result:
        self._say("calm run")
        calm = carry_out_calmly(self._cluster.stack.url, self._plan)
        forget_calm_jobs(self._cluster.stack.url)
        self._monitor.start()
        self._play_storm()
        self._faults.settle()
        last_fault = time.time()
        settled = self._await_end()
        for number, trial in enumerate(self._plan.trials, 1):
            self._say(f"trial {number}: {trial.fault.kind} {trial.fault.target}")
            self._await_calm()
            self._play(trial.orders, [trial.fault])
            self._faults.settle()
        self._await_end()
        self._load.finish(time.monotonic() + LAST_ANSWERS_SECONDS)
        self._repeat_some()
        self._await_tidiness()
        collected = self._collect()
        self._monitor.stop()
        self._say("judging")
        facts = gather(self._cluster, self._plan, self._ledger, calm)
        self._load.close()
        self._faults.close()
        self._ledger.close()
        self._keep_papers()
        strikes = tuple(self._faults.strikes)
        return Result(
            plan=self._plan,
            facts=facts,
            findings=tuple(judge(facts)),
            figures=measure(facts, strikes, self._monitor.samples, settle_seconds=settled - last_fault),
            strikes=strikes,
            missed=self._faults.misses,
            refusals=tuple(self._ledger.refusals),
            collected=collected,
            seconds=time.monotonic() - began,
        )

    def _play_storm(self) -> None:
        """Start all that the plan has for the storm."""
        plan, load = self._plan, self._load
        self._play(
            plan.orders,
            plan.faults,
            *((batch.at, partial(load.submit_batch, batch)) for batch in plan.batches),
            *((at, partial(load.act, number)) for number, at in enumerate(plan.actions)),
            *((wanted.at, partial(load.intervene, wanted)) for wanted in plan.interventions),
        )

    def _play(self, orders: Sequence[Order], faults: Sequence[Fault], *others: Step) -> None:
        """Start every order, every fault, and whatever else, at its time."""
        timeline: list[Step] = [
            *((order.at, partial(self._load.submit, order)) for order in orders),
            *((fault.at, partial(self._faults.strike, fault)) for fault in faults),
            *others,
        ]
        start = time.monotonic()
        for at, step in sorted(timeline, key=itemgetter(0)):
            while time.monotonic() - start < at:
                time.sleep(TICK_SECONDS)
            step()
            self._say(f"{self._ledger.accepted} accepted, {len(self._faults.strikes)} faults")

    def _await_end(self) -> float:
        """Wait until every job is over, or for as long as that may take; return when that was."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and self._unfinished():
            time.sleep(0.2)
        return time.time()

    def _await_calm(self) -> None:
        """Wait until no fault has consequences any more and all workers are back and idle."""
        self._await_end()
        deadline = time.monotonic() + CALM_SECONDS
        while time.monotonic() < deadline and not self._is_calm():
            time.sleep(0.1)

    def _is_calm(self) -> bool:
        felt_until = max(map(end_of, self._faults.strikes), default=0.0)
        return time.time() > felt_until and is_calm(self._monitor.samples[-1])

    def _unfinished(self) -> bool:
        if self._load.is_busy:
            return True
        server, lines = self._cluster.server, (f"line:{lane}:{ANONYMOUS}" for lane in Lane)
        try:
            return any(server.zcard(PREFIX + name) for name in ("leases", "delayed", "awaited", *lines))
        except redis.RedisError:
            return True

    def _repeat_some(self) -> None:
        """Ask again for what was accepted long ago: the responses must name the same jobs."""
        entries = [entry for entry in self._ledger.entries.values() if entry.order.batch is None]
        accepted = [entry for entry in entries if entry.ids and not entry.is_deleted]
        self._load.insist_until(time.monotonic() + 20)
        for entry in accepted[:: max(1, len(accepted) // REPEATED)]:
            self._load.repeat(entry)
        for batch in self._ledger.batches.values():
            self._load.repeat_batch(batch)

    def _await_tidiness(self) -> None:
        """Give the sweeper its time."""
        deadline = time.monotonic() + TIDY_SECONDS
        while time.monotonic() < deadline and self._cluster.server.zcard(f"{PREFIX}garbage"):
            time.sleep(0.2)

    def _collect(self) -> int:
        """Do what `atelier gc` does, without its patience: what it leaves must be what the records name."""
        return collect(self._cluster.server, self._cluster.objects(), grace_seconds=0).objects

    def _keep_papers(self) -> None:
        (self._folder / "samples.jsonl").write_text(as_json(self._monitor.samples), "utf-8")
