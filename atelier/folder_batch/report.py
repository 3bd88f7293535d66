"""The report at the end of a run."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from atelier.display import echo, echo_json
from atelier.display.job_tables import say_warnings
from atelier.display.time_format import say_seconds
from atelier.folder_batch.pauses import say_stopped
from atelier.folder_batch.progress import RunState
from atelier.lazy_group import EXIT_FAILED, EXIT_STOPPED

LATER = "the time is over; the service works on, and the same command goes on from here"
GO_ON = "interrupted; the same command goes on from here"
NAMED = 10  # non-images, and warnings, that are reported one by one


Naming = Callable[[str], str]  # what a style or a mask is called on the command line


def print_report(
    run_state: RunState, folder: Path, *, seconds: float, sent: int, as_json: bool, naming: Naming = str
) -> None:
    """Print how a run ended: failures and their reasons on stderr, the sum on stdout.

    A style or mask at fault is named once, and not the photos that could not be painted with it.
    """
    if run_state.stopped:
        echo(*say_stopped(run_state.stopped), err=True)
    if as_json:
        echo_json(_facts(run_state, folder, seconds, sent, naming))
        return
    for (subject, reason), count in _blamed(run_state).items():
        lost = f"{count} {'picture was' if count == 1 else 'pictures were'} not made"
        echo(f"failed: {naming(subject)}: {reason}; {lost}", err=True)
    for failure in run_state.failures.values():
        if not failure.subject:
            made = f" ({failure.target})" if failure.target else ""
            echo(f"failed: {failure.source}{made}: {failure.reason}", err=True)
    _warn(run_state)
    for name, reason in list(run_state.non_images.items())[:NAMED]:
        echo(f"skipped: {name}: {reason}", err=True)
    if len(run_state.non_images) > NAMED:
        echo(f"skipped: {len(run_state.non_images) - NAMED} more", err=True)
    echo(_sum(run_state, folder, seconds))


def exit_status_of(run_state: RunState) -> int:
    """Return the exit status of a run that was not interrupted."""
    if run_state.stopped and run_state.stopped.stopped_by != "sample":
        return EXIT_STOPPED
    return EXIT_FAILED if run_state.failures else 0


def _warn(run_state: RunState) -> None:
    lines = [(name, text) for name, codes in run_state.warnings.items() for text in say_warnings(codes)]
    for name, text in lines[:NAMED]:
        echo(f"warning: {name}: {text}", err=True)
    if len(lines) > NAMED:
        echo(f"warning: {len(lines) - NAMED} more", err=True)


def _blamed(run_state: RunState) -> Counter[tuple[str, str]]:
    """Return how many pictures were not made, by the style or mask at fault and the reason."""
    return Counter((entry.subject, entry.reason) for entry in run_state.failures.values() if entry.subject)


def _sum(run_state: RunState, folder: Path, seconds: float) -> str:
    parts = [f"{run_state.saved} new", f"{run_state.kept} kept"]
    parts += [run_state.say_failed()] if run_state.failures else []
    parts += [f"{len(run_state.pending)} to come"] if run_state.pending else []
    parts += [f"{len(run_state.non_images)} skipped"] if run_state.non_images else []
    rate = f", {run_state.saved / seconds:.1f}/s" if run_state.saved and seconds > 0 else ""
    return f"{folder}: {', '.join(parts)} in {say_seconds(seconds)}{rate}"


def _facts(run_state: RunState, folder: Path, seconds: float, sent: int, naming: Naming) -> dict[str, object]:
    own = (entry for entry in run_state.failures.values() if not entry.subject)
    blamed = _blamed(run_state).items()
    return {
        "folder": str(folder),
        "saved": run_state.saved,
        "kept": run_state.kept,
        "pending": len(run_state.pending),
        "uploaded": sent,
        "failed": [{"source": entry.source, "target": entry.target, "reason": entry.reason} for entry in own],
        "options": [
            {"option": naming(subject), "reason": reason, "pictures": count}
            for (subject, reason), count in blamed
        ],
        "warnings": [{"source": name, "codes": list(codes)} for name, codes in run_state.warnings.items()],
        "skipped": [{"source": name, "reason": reason} for name, reason in run_state.non_images.items()],
        "stopped": run_state.stopped.id if run_state.stopped else None,
        "seconds": round(seconds, 3),
    }
