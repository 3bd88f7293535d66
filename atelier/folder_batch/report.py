"""What a run says at its end."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from atelier.display.job_tables import say_warnings
from atelier.display.plain import echo, echo_json
from atelier.display.time_format import say_seconds
from atelier.folder_batch.progress import Board

LATER = "the time is over; the service works on, and the same command goes on from here"
GO_ON = "interrupted; the same command goes on from here"
NAMED = 10  # files that are no pictures, of which each is named


Naming = Callable[[str], str]  # what a style or a mask is called on the command line


def tell(
    board: Board, folder: Path, *, seconds: float, sent: int, as_json: bool, naming: Naming = str
) -> None:
    """Print what came of a run: failures and their reasons on stderr, the sum on stdout.

    A style or mask at fault is named once, and not the photos that could not be painted with it.
    """
    if as_json:
        echo_json(_facts(board, folder, seconds, sent, naming))
        return
    for (subject, reason), count in _blamed(board).items():
        lost = f"{count} {'picture was' if count == 1 else 'pictures were'} not made"
        echo(f"failed: {naming(subject)}: {reason}; {lost}", err=True)
    for failure in board.failures.values():
        if not failure.subject:
            made = f" ({failure.target})" if failure.target else ""
            echo(f"failed: {failure.source}{made}: {failure.reason}", err=True)
    _warn(board)
    for name, reason in list(board.strangers.items())[:NAMED]:
        echo(f"skipped: {name}: {reason}", err=True)
    if len(board.strangers) > NAMED:
        echo(f"skipped: {len(board.strangers) - NAMED} more", err=True)
    echo(_sum(board, folder, seconds))


def _warn(board: Board) -> None:
    told = [(name, text) for name, codes in board.warnings.items() for text in say_warnings(codes)]
    for name, text in told[:NAMED]:
        echo(f"warning: {name}: {text}", err=True)
    if len(told) > NAMED:
        echo(f"warning: {len(told) - NAMED} more", err=True)


def _blamed(board: Board) -> Counter[tuple[str, str]]:
    """Return how many pictures were not made, by the style or mask at fault and the reason."""
    return Counter((entry.subject, entry.reason) for entry in board.failures.values() if entry.subject)


def _sum(board: Board, folder: Path, seconds: float) -> str:
    parts = [f"{board.saved} new", f"{board.kept} kept"]
    parts += [board.say_failed()] if board.failures else []
    parts += [f"{len(board.pending)} to come"] if board.pending else []
    parts += [f"{len(board.strangers)} skipped"] if board.strangers else []
    pace = f", {board.saved / seconds:.1f}/s" if board.saved and seconds > 0 else ""
    return f"{folder}: {', '.join(parts)} in {say_seconds(seconds)}{pace}"


def _facts(board: Board, folder: Path, seconds: float, sent: int, naming: Naming) -> dict[str, object]:
    own = (entry for entry in board.failures.values() if not entry.subject)
    blamed = _blamed(board).items()
    return {
        "folder": str(folder),
        "saved": board.saved,
        "kept": board.kept,
        "pending": len(board.pending),
        "uploaded": sent,
        "failed": [{"source": entry.source, "target": entry.target, "reason": entry.reason} for entry in own],
        "options": [
            {"option": naming(subject), "reason": reason, "pictures": count}
            for (subject, reason), count in blamed
        ],
        "warnings": [{"source": name, "codes": list(codes)} for name, codes in board.warnings.items()],
        "skipped": [{"source": name, "reason": reason} for name, reason in board.strangers.items()],
        "seconds": round(seconds, 3),
    }
