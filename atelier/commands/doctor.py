"""`atelier doctor`: what is wrong with this machine, and how to fix it."""

from collections.abc import Iterator
from dataclasses import asdict

import click
from rich.text import Text

from atelier.display import echo_json, echo_row
from atelier.display.table import row_lines, terminal_width, write_lines
from atelier.doctor import Finding, Level, fail
from atelier.doctor import installation_checks as installation
from atelier.doctor import machine_checks as machine
from atelier.doctor.server_checks import check_server
from atelier.doctor.worker_checks import check_workers
from shared.settings import Settings, SettingsError

WIDTHS = (4, 20)  # columns of level and name
COLORS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command(short_help="Say what is wrong with this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON lines.")
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Check everything that Atelier needs. Exits with 1 when something keeps it from working.

    \b
    atelier doctor
    """
    worst = Level.OK
    for finding in find():
        if as_json:
            echo_json(asdict(finding))
        else:
            _print(finding)
        if finding.level is Level.FAIL:
            worst = Level.FAIL
    ctx.exit(1 if worst is Level.FAIL else 0)


def find() -> Iterator[Finding]:
    """Yield a finding for each check, the quick ones first."""
    yield machine.check_python()
    yield machine.check_server_binary()
    yield machine.check_memory()
    yield machine.check_descriptors()
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        yield fail("settings", str(error), "correct or unset the variable")
        return
    yield installation.check_state_folder(settings)
    yield installation.check_storage(settings)
    yield installation.check_disk(settings)
    yield installation.check_port(settings)
    yield from check_server(settings)
    yield check_workers(settings)
    yield from installation.check_cards(settings)
    yield from installation.check_models(settings)
    yield installation.check_tuning(settings)
    yield machine.check_tensorflow()


def _print(finding: Finding) -> None:
    """Print a finding as soon as it is known: as wide as the terminal, or split by tabs."""
    width = terminal_width()
    if width is None:
        echo_row(finding.level, finding.name, finding.text, finding.mend)
        return
    level = Text(finding.level, COLORS[finding.level])
    write_lines(row_lines([level, finding.name], WIDTHS, finding.text, width))
    if finding.mend:
        write_lines(row_lines(["", ""], WIDTHS, f"-> {finding.mend}", width))
