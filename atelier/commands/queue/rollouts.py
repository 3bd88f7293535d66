"""`atelier models versions`, `rollout` and `rollback`: a new version of a model for a share of the jobs."""

import re

import click

from atelier.client.queue.rollouts import ModelVersion, ModelVersions
from atelier.commands.options.service import Target, pass_target
from atelier.display import echo, echo_json
from atelier.display.table import Table


class Share(click.ParamType[float]):
    """A part of the jobs: `10%` or `0.1`, above 0 and up to 100%."""

    name = "share"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share, 1 for all; fail where it is none."""
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)(%?)", value)
        share = 0.0 if found is None else float(found[1]) / (100 if found[2] else 1)
        if not 0 < share <= 1:
            self.fail(f"{value!r} is no share of the jobs: say 10% or 0.1, at most 100%", param, ctx)
        return share


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def versions(target: Target, *, name: str, as_json: bool) -> None:
    """Show the versions of the model NAME, which one is rolled out, and how jobs did with each.

    How they did is for an admin's key.

    \b
    atelier models versions mnist-dcgan
    """
    with target.client() as client:
        found = client.models.versions(name)
    if as_json:
        echo_json(found.raw)
        return
    _table(found).print()


@click.command()
@click.argument("name")
@click.option("--to", "version", required=True, metavar="VERSION", help="Give the jobs this version.")
@click.option("--share", type=Share(), required=True, help="Give it to so many of the new jobs: 10% or 0.1.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def rollout(target: Target, *, name: str, version: str, share: float, as_json: bool) -> None:
    """Give a share of the new jobs of the model NAME another version of it.

    What was accepted keeps its version. Workers load both. The same command with another share changes it,
    and `atelier models rollback NAME` takes it back. It needs an admin's key.

    \b
    atelier models rollout relief --to 2 --share 10%
    """
    with target.client() as client:
        made = client.models.roll_out(name, version, share)
    if as_json:
        told = {"model": made.model, "version": made.version, "share": made.share}
        echo_json({**told, "began_at": made.began_at.isoformat()})
        return
    echo(
        f"{_percent(made.share)} of the new jobs of {made.model} get version {made.version}: "
        f"`atelier models versions {made.model}` shows how they do"
    )


@click.command()
@click.argument("name")
@pass_target
def rollback(target: Target, *, name: str) -> None:
    """Give all new jobs of the model NAME its current version again.

    What was accepted keeps its version: `atelier actions begin cancel --model NAME@VERSION` cancels what
    waits for a bad one. It needs an admin's key.

    \b
    atelier models rollback relief
    """
    with target.client() as client:
        client.models.roll_back(name)
    echo(f"All new jobs of {name} get its current version, within a second.")


def _table(found: ModelVersions) -> Table:
    headings = ("version", "jobs", "workers", "succeeded", "failed", "p50", "p95", "errors")
    table = Table(*headings)
    for each in found.versions:
        table.add(each.reference, _share(each, found), _workers(each), *_outcomes(each))
    return table


def _share(version: ModelVersion, found: ModelVersions) -> str:
    rolled, share = found.rollout, found.rollout.share if found.rollout else 0.0
    if rolled is not None and rolled.version == version.version:
        return _percent(share)
    if not version.current:
        return "only by name"
    return _percent(1 - share)


def _percent(share: float) -> str:
    return f"{100 * share:.6g}%"


def _workers(version: ModelVersion) -> str:
    if version.workers is not None:
        return str(version.workers)
    return {True: "some", False: "none", None: ""}[version.available]


def _outcomes(version: ModelVersion) -> tuple[str, ...]:
    told = version.outcomes
    if told is None:
        return "", "", "", "", ""
    times = [f"{s:.3g} s" if s is not None else "" for s in (told.run_seconds_p50, told.run_seconds_p95)]
    errors = ", ".join(f"{code} {count}" for code, count in told.errors.items())
    return str(told.succeeded), str(told.failed), *times, errors
