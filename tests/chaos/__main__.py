"""Random histories against a real installation, replayed from their seeds.

Usage: python -m tests.chaos [--seed N | --seeds A..B] [--jobs N] [--server sentinel] [--storage s3]
                             [--out FILE]

Ends with the table of the promises, and with status 1 where one is broken. A run with findings leaves its
folder behind: the ledger, the samples, the log and the data of its installation.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.disk import can_mount
from tests.chaos.judging.report import is_good, print_findings, print_report, write_report
from tests.chaos.plan import Scale
from tests.chaos.run import Result, run_seed, set_up

LEASE_SECONDS = 5.0  # the default, by which P3 is judged
JOBS_A_SECOND = 11.0  # offered
EXIT_TERMINATED = 143
WIDTH = 160  # of what goes into a file


def main() -> int:
    """Run the seeds; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))  # takes mounts and processes along
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    folder = Path(tempfile.mkdtemp(prefix="atelier-chaos-")) if options.folder is None else options.folder
    seconds = options.seconds or max(30.0, options.jobs / JOBS_A_SECOND)
    scale = Scale(
        jobs=options.jobs,
        seconds=seconds,
        lease_seconds=options.lease,
        has_disk=options.storage == "folder" and can_mount(folder / "mount-trial"),
        poisons=options.poisons,
        has_trials=options.trials and options.server == "own",
        has_sentinels=options.server == "sentinel",
        has_bucket=options.storage == "s3",
    )
    if not (scale.has_disk or scale.has_bucket):
        console.print("no disk is filled up: that takes root on Linux")
    workshop = set_up(folder)
    results: list[Result] = []
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("", total=len(options.seeds))
        for seed in options.seeds:
            show = _Show(bar, task, seed)
            results.append(run_seed(seed, scale, workshop, show))
            _tell(results[-1], console)
            bar.advance(task)
            if options.out is not None:
                write_report(results, options.out)
    print_report(results, console)
    if is_good(results) and options.folder is None:
        shutil.rmtree(folder)
    else:
        console.print(f"papers of the runs: {folder}")
    return 0 if is_good(results) else 1


class _Show:
    """Return the line that shows the progress."""

    def __init__(self, bar: Progress, task: object, seed: int) -> None:
        self._bar, self._task, self._seed = bar, task, seed

    def __call__(self, text: str) -> None:
        self._bar.update(self._task, description=f"seed {self._seed}: {text:<34}")  # type: ignore[arg-type]


def _tell(result: Result, console: Console) -> None:
    verdict = f"{len(result.findings)} findings" if result.findings else "nothing found"
    console.print(
        f"seed {result.plan.seed}: {result.accepted} jobs, {len(result.strikes)} faults, {verdict}, "
        f"{result.seconds:.0f} s"
    )
    print_findings(result, console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seed", dest="seeds", type=lambda text: [int(text)], help="one history")
    which.add_argument("--seeds", type=_range, help="histories A to B, as A..B")
    parser.add_argument("--jobs", type=int, default=1000, help="a history")
    parser.add_argument("--seconds", type=float, help="over which jobs and faults are spread")
    parser.add_argument("--lease", type=float, default=LEASE_SECONDS, help="seconds")
    parser.add_argument("--poisons", type=int, default=1, choices=range(3), help="jobs that kill workers")
    parser.add_argument(
        "--trials", action=argparse.BooleanOptionalAction, default=True, help="measure times after the storm"
    )
    parser.add_argument(
        "--server",
        choices=("own", "sentinel"),
        default="own",
        help="one server, or a primary and a replica behind three Sentinels, whose failovers are faults",
    )
    parser.add_argument(
        "--storage", choices=("folder", "s3"), default="folder", help="a folder, or a bucket that breaks too"
    )
    parser.add_argument("--folder", type=Path, help="where the installations live; is kept")
    parser.add_argument("--out", type=Path, help="write FILE.json and FILE.md")
    parser.set_defaults(seeds=[1])
    return parser.parse_args()


def _range(text: str) -> Sequence[int]:
    first, _, last = text.partition("..")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())
