"""`atelier models`: the group, and its commands that only talk to a service.

The others look at the model store and need the worker's packages, which the API's image lacks.
"""

import re

import click

from atelier.commands.options.service import Target, pass_target, url_option
from atelier.display import echo, echo_json
from atelier.lazy_group import LazyGroup

COMMANDS = {
    "list": "atelier.commands.models:list_models",
    "pull": "atelier.commands.models:pull",
    "verify": "atelier.commands.models:verify",
    "limit": "atelier.commands.queue.models:limit",
    "versions": "atelier.commands.queue.rollouts:versions",
    "rollout": "atelier.commands.queue.rollouts:rollout",
    "rollback": "atelier.commands.queue.rollouts:rollback",
    "reload": "atelier.commands.queue.models:reload",
}


class RunningLimit(click.ParamType[int]):
    """A number of jobs, 1 or more; `none` is read as 0."""

    name = "number"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fail where it is none."""
        if value == "none" or not isinstance(value, str):
            return 0 if value == "none" else int(value)
        if re.fullmatch(r"[1-9][0-9]{0,5}", value) is None:
            self.fail(f"{value!r} is neither a number of 1 to 999999 nor `none`", param, ctx)
        return int(value)


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    short_help="List, pull, verify, limit, reload models, and roll versions out.",
)
@url_option
def models() -> None:
    """Look after the model store; it lies in the state folder.

    \b
    atelier models list
    atelier models pull nst-gatys
    """


@click.command()
@pass_target
def reload(target: Target) -> None:
    """Have every worker of the service take new versions and cards into service, within seconds.

    \b
    atelier models reload
    """
    with target.client() as client:
        client.models.reload()
    echo("Every worker looks for new versions and cards within seconds.")


@click.command()
@click.argument("name")
@click.argument("running", type=RunningLimit(), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the limit as JSON.")
@pass_target
def limit(target: Target, *, name: str, running: int | None, as_json: bool) -> None:
    """Let RUNNING jobs of the model NAME run at once, over all workers; `none` for any number.

    More of them wait, and jobs of other models go on. It needs an admin's key.
    Without RUNNING it shows the limit.

    \b
    atelier models limit nst-gatys 2
    atelier models limit nst-gatys none
    """
    with target.client() as client:
        if running is None:
            limit = client.models.limit(name)
        else:
            limit = running or None
            client.models.set_limit(name, limit)
    if as_json:
        echo_json({"name": name, "running": limit})
        return
    echo(f"{name}: {limit or 'any number of'} {'job' if limit == 1 else 'jobs'} may run at once")
