"""`atelier models`: which networks there are, and their weights in the model store."""

import json
from collections.abc import Callable, Iterable

import click

from atelier.cli import Target, pass_target, url_option
from atelier.display.table import Table
from atelier.installation import wanted_models
from shared.cards import ModelCard, load_catalog
from shared.errors import AtelierError, ModelCorrupt
from shared.settings import Settings
from worker.models.sources import PullStep
from worker.models.store import ModelStore, StoredModel

MEGABYTE = 1_000_000
COLUMNS = ("name", "type", "version", "weights", "license", "title")


@click.group(short_help="List, pull, verify and reload models.")
@url_option
def models() -> None:
    """Look after the model store; it lies in the state folder."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_models(*, as_json: bool) -> None:
    """Show every known model and whether its weights are here."""
    settings = Settings.from_env()
    store = ModelStore(settings.models)
    rows = [_row(card, _find(store, card)) for card in load_catalog(settings.cards)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table(*COLUMNS)
    for row in rows:
        table.add(*(str(row[name]) for name in COLUMNS))
    table.print()


def _find(store: ModelStore, card: ModelCard) -> StoredModel | str:
    try:
        return store.find(card) or "not pulled"
    except ModelCorrupt:
        return "damaged"


def _row(card: ModelCard, found: StoredModel | str) -> dict[str, object]:
    weights = found if isinstance(found, str) else f"{found.bytes / MEGABYTE:.1f} MB"
    facts = {"name": card.name, "type": card.kind, "version": card.version, "weights": weights}
    return {**facts, "license": card.license, "title": card.title, "default": card.default}


@models.command()
@click.argument("names", nargs=-1)
def pull(*, names: tuple[str, ...]) -> None:
    """Bring models into the store; without NAMES those that workers load at start."""
    settings = Settings.from_env()
    store = ModelStore(settings.models)
    cards = _cards(settings, names, wanted_models(settings))
    if not cards:
        click.echo(
            "Workers load no model at start, so nothing was pulled; name the models to pull.", err=True
        )
    for card in cards:
        found = store.pull(card, _teller(card.name))
        click.echo(f"{card.name} {card.version}: {found.bytes / MEGABYTE:.1f} MB in {found.folder}")


def _teller(name: str) -> Callable[[PullStep], None]:
    """Return what writes each step of a pull once, and every tenth of a download."""
    told: set[str] = set()

    def tell(step: PullStep) -> None:
        total = step.total_bytes if step.step == "fetch" else None
        tenth = 10 * step.done_bytes // total if total else 0
        line = f"{name}: {step.step}{f' {tenth}0 %' if tenth else ''}"
        if line not in told:
            told.add(line)
            click.echo(line, err=True)

    return tell


@models.command()
@click.argument("names", nargs=-1)
def verify(*, names: tuple[str, ...]) -> None:
    """Check stored weights against their checksums; without NAMES all that are stored."""
    settings = Settings.from_env()
    store = ModelStore(settings.models)
    stored = [card for card in load_catalog(settings.cards) if _find(store, card) != "not pulled"]
    cards = _cards(settings, names, stored)
    if not cards:
        click.echo(
            "No model is stored; `atelier models pull` brings those that workers load at start.", err=True
        )
    faults = [fault for card in cards if (fault := _verify(store, card))]
    if faults:
        raise ModelCorrupt("; ".join(faults))


def _verify(store: ModelStore, card: ModelCard) -> str:
    try:
        found = store.verify(card)
    except AtelierError as error:
        return error.detail
    click.echo(
        f"{card.name} {card.version}: good, {len(found.manifest.files)} files, {found.manifest.digest[:12]}"
    )
    return ""


@models.command()
@pass_target
def reload(target: Target) -> None:
    """Have every worker of the service take new versions and cards into service, within seconds."""
    with target.client() as client:
        client.reload_models()
    click.echo("Every worker looks for new versions and cards within seconds.")


def _cards(settings: Settings, names: Iterable[str], otherwise: list[ModelCard]) -> list[ModelCard]:
    catalog = load_catalog(settings.cards)
    return [catalog.get(name) for name in names] or otherwise
