"""`atelier workers`: list the workers, and let one claim no more jobs, or claim again."""

from collections.abc import Callable, Sequence
from functools import partial

import click

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.queue.workers import Worker
from atelier.commands.options.one_by_one import report_refusal
from atelier.commands.options.parameters import Number
from atelier.commands.options.service import Target, pass_target, url_option
from atelier.display import echo, echo_json
from atelier.display.worker_tables import say_running, worker_table
from atelier.lazy_group import EXIT_FAILED, EXIT_TIMEOUT

Move = Callable[[str], Worker]

_label = click.option("--label", metavar="LABEL", help="Take the workers with this label.")
_json = click.option("--json", "as_json", is_flag=True, help="Print each worker as a line of JSON.")
_names = click.argument("names", nargs=-1, metavar="NAME...")
_reason = click.option("--reason", default="", help="Say why; the list shows it.")


@click.group(short_help="List workers; cordon, drain and uncordon them.")
@url_option
def workers() -> None:
    """See the workers by name, and say which of them take jobs.

    A key needs the scope admin, for the list metrics.

    \b
    atelier workers list
    atelier workers drain gpu-1 --wait
    """


@workers.command("list")
@_label
@_json
@pass_target
def list_workers(target: Target, *, label: str | None, as_json: bool) -> None:
    """Show the workers that live, and those that are cordoned.

    \b
    atelier workers list
    atelier workers list --label gpu
    """
    with target.client() as client:
        found = _labeled(client, label)
    _show(found, as_json=as_json)
    if not found:
        echo("There are no workers.", err=True)


@workers.command()
@_names
@_label
@_reason
@_json
@pass_target
def cordon(target: Target, *, names: tuple[str, ...], label: str | None, reason: str, as_json: bool) -> None:
    """Let workers claim no more jobs. What they run goes on; it holds over restarts, until uncordon.

    \b
    atelier workers cordon gpu-1 --reason 'new driver'
    """
    with target.client() as client:
        move: Move = partial(client.workers.cordon, reason=reason)
        moved, status = _each(client, names, label, move, as_json=as_json)
        _show(moved, as_json=as_json)
    click.get_current_context().exit(status)


@workers.command()
@_names
@_label
@_json
@pass_target
def uncordon(target: Target, *, names: tuple[str, ...], label: str | None, as_json: bool) -> None:
    """Let workers claim jobs again.

    \b
    atelier workers uncordon gpu-1
    """
    with target.client() as client:
        moved, status = _each(client, names, label, client.workers.uncordon, as_json=as_json)
        _show(moved, as_json=as_json)
    click.get_current_context().exit(status)


@workers.command()
@_names
@_label
@_reason
@click.option("--wait", is_flag=True, help="Wait until they run nothing, and show what is left.")
@click.option(
    "--timeout", type=Number(min=0), help="Wait for so many seconds. [default: until they run nothing]"
)
@_json
@url_option
@click.pass_context
def drain(
    ctx: click.Context,
    *,
    names: tuple[str, ...],
    label: str | None,
    reason: str,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Let workers claim no more jobs, to stop them when they run nothing.

    A job that runs goes on to its end: at most as long as an attempt may take. After --timeout the command
    ends with status 4, and the workers go on draining; `atelier jobs requeue ID` takes a job from its worker.

    \b
    atelier workers drain gpu-1 --wait --timeout 600
    atelier workers drain --label spot
    """
    target: Target = ctx.obj
    with target.client() as client:
        move: Move = partial(client.workers.drain, reason=reason)
        moved, status = _each(client, names, label, move, as_json=as_json)
        if wait:
            drained = {worker.name for worker in moved}
            say: Callable[[Sequence[Worker]], None] = lambda now: echo(say_running(now), err=True)  # noqa: E731
            moved = list(client.workers.wait_drained(drained, timeout_seconds=timeout, on_change=say))
        _show(moved, as_json=as_json)
    ctx.exit(EXIT_TIMEOUT if wait and any(worker.running for worker in moved) else status)


def _each(
    client: Client, names: Sequence[str], label: str | None, move: Move, *, as_json: bool
) -> tuple[list[Worker], int]:
    """Make a move with each worker that is named, or has the label; raise UsageError where none is meant.

    Returns those that were moved, and the exit status: what is refused is reported, and others go on.
    """
    if bool(names) == bool(label):
        raise click.UsageError("name workers, or give --label")
    meant = list(dict.fromkeys(names)) or [worker.name for worker in _labeled(client, label)]
    if not meant:
        raise click.UsageError(f"no worker that lives has the label {label}")
    moved: list[Worker] = []
    for name in meant:
        try:
            moved.append(move(name))
        except ApiError as error:
            report_refusal(name, error, as_json=as_json, key="name")
    return moved, 0 if len(moved) == len(meant) else EXIT_FAILED


def _labeled(client: Client, label: str | None) -> list[Worker]:
    return [worker for worker in client.workers.list() if label is None or label in worker.labels]


def _show(found: Sequence[Worker], *, as_json: bool) -> None:
    for worker in found if as_json else ():
        echo_json(worker.raw)
    if found and not as_json:
        worker_table(found).print()
