"""The tables of one or many runs, as markdown, as JSON, and for the terminal."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.judging.oracle import Finding
from tests.chaos.judging.verdict import Row, rows_of
from tests.chaos.run import Result

WORDS = {True: "kept", False: "BROKEN", None: "not judged"}
MOST_FINDINGS = 30  # of a run, that are shown; the JSON has all
PER_SEED = (
    "seed",
    "accepted",
    "real",
    "faults",
    "lost",
    "doubled",
    "mismatched",
    "failed",
    "settled",
    "took",
)


def is_good(results: Sequence[Result]) -> bool:
    """Whether no promise was broken."""
    return all(row.is_kept is not False for row in rows_of(results))


def print_report(results: Sequence[Result], console: Console) -> None:
    """Show all tables on a terminal."""
    for title, head, lines in _tables(results):
        table = Table(*head, title=title, title_justify="left")
        for line in lines:
            table.add_row(*line)
        console.print(table)


def print_findings(result: Result, console: Console) -> None:
    """Show what the oracle found in a run, line by line."""
    for finding in result.findings[:MOST_FINDINGS]:
        text = f"  {finding.promise} {finding.rule}: {finding.job}: {finding.text}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def write_report(results: Sequence[Result], path: Path) -> None:
    """Write PATH.json and PATH.md."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(as_json(results), indent=1) + "\n", "utf-8")
    path.with_suffix(".md").write_text(as_markdown(results), "utf-8")


def as_markdown(results: Sequence[Result]) -> str:
    """Return all tables as markdown."""
    parts = []
    for title, head, lines in _tables(results):
        rows = [head, ["---"] * len(head), *lines]
        parts.append(f"**{title}**\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows))
    return "\n".join(parts)


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Return everything as data."""
    return {
        "promises": [asdict(row) for row in rows_of(results)],
        "seeds": [_seed_json(result) for result in results],
    }


def _seed_json(result: Result) -> dict[str, Any]:
    return {
        "seed": result.plan.seed,
        "scale": asdict(result.plan.scale),
        "clocks": dict(result.plan.clocks),
        "accepted": result.accepted,
        "faults": dict(_faults(result)),
        "faults_on_nothing": result.missed,
        "collected_objects": result.collected,
        "refusals": {f"{status} {code}": n for (status, code), n in _refusals(result).items()},
        "figures": asdict(result.figures),
        "promises": [asdict(row) for row in rows_of([result])],
        "findings": [asdict(finding) for finding in result.findings],
        "seconds": round(result.seconds, 1),
    }


def _tables(results: Sequence[Result]) -> list[tuple[str, list[str], list[list[str]]]]:
    promises = [_cells(row) for row in rows_of(results)]
    kinds = sum((_faults(result) for result in results), Counter[str]())
    return [
        ("Promises", ["", "what", "target", "measured", ""], promises),
        ("Runs", list(PER_SEED), [_seed_line(result) for result in results]),
        ("Faults", ["fault", "times"], [[name, str(count)] for name, count in sorted(kinds.items())]),
    ]


def _cells(row: Row) -> list[str]:
    return [row.promise, row.what, row.target, row.figure, WORDS[row.is_kept]]


def _seed_line(result: Result) -> list[str]:
    real = sum(1 for e in result.facts.entries.values() if e.ids and not e.order.request.is_light)
    numbers = [
        result.plan.seed,
        result.accepted,
        real,
        len(result.strikes),
        _count(result.findings, "P1"),
        _count(result.findings, "P2", but="mismatched"),
        sum(finding.rule == "mismatched" for finding in result.findings),
        sum(finding.rule in ("failed", "poison") for finding in result.findings),
    ]
    return [*map(str, numbers), f"{result.figures.settle_seconds:.1f} s", f"{result.seconds:.0f} s"]


def _count(findings: Sequence[Finding], promise: str, *, but: str = "failed") -> int:
    return sum(finding.promise == promise and finding.rule != but for finding in findings)


def _faults(result: Result) -> Counter[str]:
    return Counter(f"{s.fault.kind} {s.fault.target}".strip() for s in result.strikes)


def _refusals(result: Result) -> Counter[tuple[int, str]]:
    return Counter((refusal.status, refusal.code) for refusal in result.refusals)
