"""`atelier up`: run everything on this machine; `atelier journal`: cut a damaged journal of its server."""

from pathlib import Path

import click

from atelier.display import echo
from atelier.local.aof_repair import cut_journal
from atelier.local.processes import read_changes
from atelier.local.up import Up
from atelier.supervisor.process_log import ProcessLog
from atelier.supervisor.supervisor import Shutdown
from shared.settings import Settings


@click.command(short_help="Run everything on this machine.")
@click.option("--host", help="Listen on this address. [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen on this port; 0 takes a free one. [default: 8480]"
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Run so many model workers."
)
@click.option(
    "--state-dir", type=click.Path(path_type=Path), help="Keep everything in this folder. [default: .atelier]"
)
@click.option("--strict", is_flag=True, help="Sync every accepted job to disk before answering.")
@click.option(
    "--private-webhooks", is_flag=True, help="Let webhooks reach this machine and private networks."
)
@click.option("--tune", is_flag=True, help="Run `atelier tune` once no job has run for a minute.")
@click.option(
    "--adopt-storage", is_flag=True, help="Take this storage, though others on that REDIS_URL had another."
)
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@click.option("--changes", "changes_file", type=click.Path(path_type=Path), hidden=True)
@click.pass_context
def up(
    ctx: click.Context,
    *,
    host: str | None,
    port: int | None,
    workers: int,
    state_dir: Path | None,
    strict: bool,
    private_webhooks: bool,
    tune: bool,
    adopt_storage: bool,
    until_stdin_closes: bool,
    changes_file: Path | None,
) -> None:
    """Start the job store, the API and the workers; restart what dies; Ctrl-C ends all in order.

    REDIS_URL names a server to use instead of the embedded one. Other settings: docs/cli.md.

    \b
    atelier up
    atelier up --port 8080 --workers 2
    atelier up --host 0.0.0.0 --strict
    """
    shutdown = Shutdown()
    shutdown.listen()
    if until_stdin_closes:
        shutdown.listen_to_stdin()
    settings = settings_of(host=host, port=port, state_dir=state_dir, private_webhooks=private_webhooks)
    changes = read_changes(changes_file) if changes_file else {}
    log = ProcessLog(as_json=settings.log_format == "json")
    up = Up(settings, shutdown=shutdown, log=log, changes=changes)
    ctx.exit(up.run(workers=workers, strict=strict, tune=tune, adopt_storage=adopt_storage))


def settings_of(
    *, host: str | None, port: int | None, state_dir: Path | None, private_webhooks: bool
) -> Settings:
    """Return the settings of the environment, changed as the options say."""
    settings = Settings.from_env()
    api = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    updates: dict[str, object] = {"api": settings.api.model_copy(update=api)}
    if private_webhooks:
        updates["webhook"] = settings.webhook.model_copy(update={"allow_private": "true"})
    return settings.model_copy(update={**updates, **({"state_dir": state_dir} if state_dir else {})})


@click.command(short_help="Cut a damaged journal of the embedded server.")
@click.option(
    "--cut",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Cut the journal in this state folder, such as .atelier.",
)
def journal(*, folder: Path) -> None:
    """Cut the journal of a stopped installation where its damage begins: what was written after that is lost.

    Copy the folder `redis` in the state folder to a safe place first.

    \b
    atelier journal --cut .atelier
    """
    echo(*cut_journal(folder.absolute()).splitlines())
