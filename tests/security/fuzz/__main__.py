"""Attack a real service: requests from its document, hostile texts, hidden requests, spoiled pictures.

Usage: python -m tests.security.fuzz [--only SUITE] [--requests N] [--pictures N] [--first N] [--seed N]

Ctrl-C ends a long suite early. Ends with a table, and with status 1 where an attack did what it must not.
Each finding is told so that it can be made again; pictures with findings are kept in a folder.
"""

import argparse
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from atelier.local.redis_server import EmbeddedServer
from shared.access.key import Scope
from tests.security.fuzz import report as reports
from tests.security.fuzz.contract.people import NO_RATES, town
from tests.security.fuzz.contract.suite import check_contract
from tests.security.fuzz.injections.suite import attacks, inject, log_faults
from tests.security.fuzz.keys import new_key
from tests.security.fuzz.pictures.suite import fuzz_pictures
from tests.security.fuzz.report import Report
from tests.security.fuzz.smuggling import FRAMINGS, smuggle
from tests.support.http.gunicorn_server import loopback_gunicorn

REQUESTS, PICTURES = 20_000, 10_000
LOGS_ALL = {
    "ATELIER_LOG_LEVEL": "DEBUG",
    "ATELIER_API_MAX_WAIT_SECONDS": "1",
    "ATELIER_API_MAX_STREAM_SECONDS": "1",
    **NO_RATES,
}
WIDTH = 160  # of what goes into a file
MOST_SHOWN = 20  # findings of a suite
Suite = Callable[[argparse.Namespace, Path, reports.Progress], Report]


@contextmanager
def _store(folder: Path) -> Iterator[str]:
    """Run an empty job store; yield its URL."""
    (folder / "redis").mkdir(parents=True)
    with EmbeddedServer(folder / "redis") as server:
        yield server.url


def _requests(options: argparse.Namespace, folder: Path, progress: reports.Progress) -> Report:
    with _store(folder) as url, town(url, folder / "service") as found:
        report = check_contract(found, options.requests, options.seed, progress)
        for fault in log_faults(found.service.log):
            report.add("the log", fault)
        return report


def _injections(options: argparse.Namespace, folder: Path, progress: reports.Progress) -> Report:
    with _store(folder) as url, loopback_gunicorn(url, folder / "service", **LOGS_ALL) as service:
        return inject(service, new_key(url, "root", Scope.ADMIN), attacks(), progress)


def _smuggling(options: argparse.Namespace, folder: Path, progress: reports.Progress) -> Report:
    with _store(folder) as url, loopback_gunicorn(url, folder / "service") as service:
        return smuggle(service, FRAMINGS, progress)


def _pictures(options: argparse.Namespace, folder: Path, progress: reports.Progress) -> Report:
    numbers = range(options.first, options.first + options.pictures)
    return fuzz_pictures(options.seed, numbers, options.keep, progress)


SUITES: dict[str, Suite] = {
    "smuggling": _smuggling, "injections": _injections, "requests": _requests, "pictures": _pictures,
}  # fmt: skip


def main() -> int:
    """Run the suites; return the exit status."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends a long suite early, as Ctrl-C does
    warnings.simplefilter("ignore")  # of libraries, about generated data
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    options.keep = Path(tempfile.mkdtemp(prefix="atelier-fuzz-"))
    found = []
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        for name in options.only or SUITES:
            found.append(_run(name, options, bar))
            _tell(found[-1], console)
    console.print(_table(found))
    if any(report.findings for report in found):
        console.print(f"pictures with findings: {options.keep}")
        return 1
    options.keep.rmdir()
    return 0


def _run(name: str, options: argparse.Namespace, bar: Progress) -> Report:
    task = bar.add_task(name, total=None)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="atelier-fuzz-") as folder:
        report = SUITES[name](
            options, Path(folder), lambda done, total: bar.update(task, completed=done, total=total)
        )
    report.seconds = time.monotonic() - began
    return report


def _tell(report: Report, console: Console) -> None:
    for finding in report.findings[:MOST_SHOWN]:
        console.print(f"{report.suite}: {finding}", markup=False, soft_wrap=True)
    if len(report.findings) > MOST_SHOWN:
        console.print(f"{report.suite}: and {len(report.findings) - MOST_SHOWN} more")


def _table(found: list[Report]) -> Table:
    table = Table("suite", "tried", "findings", "measured", "seconds")
    for report in found:
        measured = "; ".join(f"{name}: {value}" for name, value in report.notes.items())
        row = (report.suite, str(report.tried), str(len(report.findings)), measured, f"{report.seconds:.0f}")
        table.add_row(*row)
    return table


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description=__doc__)
    parser.add_argument("--only", action="append", choices=SUITES, help="a suite; may be repeated")
    parser.add_argument("--requests", type=int, default=REQUESTS, help="made from the document")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--first", type=int, default=0, help="number of the first picture")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
