"""What `atelier tune` prints: the table of what was measured, the choice, and what follows from it."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from atelier.display import echo, echo_json
from atelier.display.table import Table
from worker.tuning.choice import SIDES, Measured
from worker.tuning.contest import Outcome, Plan
from worker.tuning.tuned import Candidate

BUSY = 0.25  # share of the cores that others had, from which on small differences stay unseen
OTHER_BYTES = (
    "pictures made after this differ in their bytes from those before; the numerics id tells them apart "
    "(--same-bytes keeps the bytes)"
)


def print_report(outcome: Outcome, plan: Plan, before: Candidate, path: Path | None) -> None:
    """Print all for people; `before` is what was in force, `path` the file that was written, if one was."""
    table = Table("settings", *(f"{side}\N{SUPERSCRIPT TWO}/s" for side in SIDES), "p95 ms", "MiB", "verdict")
    for row in outcome.rows:
        rates = (f"{row.rate(side):.1f}" for side in SIDES)
        table.add(str(row.candidate), *rates, f"{row.p95:.0f}", f"{row.memory_mebibytes:.0f}", row.verdict)
    table.print()
    echo(*_sentences(outcome, plan, before, path))


def _sentences(outcome: Outcome, plan: Plan, before: Candidate, path: Path | None) -> Iterator[str]:
    chosen, others = outcome.champion.candidate, outcome.load.share_of_others()
    kept = f"kept: {chosen}; nothing was faster beyond the noise"
    yield kept if chosen == plan.base else f"chosen: {chosen}"
    advice = "; on a quiet machine smaller differences would show" if others > BUSY else ""
    yield f"other processes had {100 * others:.0f} % of the cores meanwhile{advice}"
    if plan.pinned:
        yield f"the environment decides on {' and '.join(sorted(plan.pinned))}: not tuned"
    if path is not None:
        yield f"written to {path}; workers use it from their next start on"
    if not chosen.makes_bytes_of(before):
        yield OTHER_BYTES


def print_json(outcome: Outcome, plan: Plan, before: Candidate, path: Path | None) -> None:
    """Print the same for programs."""
    chosen = outcome.champion.candidate
    echo_json(
        {
            "rows": [_row(row) for row in outcome.rows],
            "base": asdict(plan.base),
            "chosen": None if outcome.broken else asdict(chosen),
            "limits": asdict(outcome.limits),
            "others_share": round(outcome.load.share_of_others(), 3),
            "changes_bytes": not chosen.makes_bytes_of(before),
            "pinned": sorted(plan.pinned),
            "written": None if path is None else str(path),
        }
    )


def _row(row: Measured) -> dict[str, object]:
    return {
        **asdict(row.candidate),
        "pictures_per_second": {str(side): round(row.rate(side), 2) for side in SIDES},
        "p95_milliseconds": round(row.p95, 1),
        "memory_mebibytes": round(row.memory_mebibytes),
        "verdict": row.verdict,
    }
