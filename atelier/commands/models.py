"""`atelier models`: which networks there are, and their weights in the model store."""

from collections.abc import Callable, Iterable, Iterator

import click

from atelier.display import echo, echo_json
from atelier.display.table import Table
from atelier.lazy_group import interruption
from atelier.local.processes import wanted_models
from atelier.local.readiness import await_notice
from shared.cards.card import Catalog, ModelCard, load_catalog
from shared.cards.folder import CardFault
from shared.errors import AtelierError, ModelCorrupt, ModelUnavailable, UnknownModel
from shared.settings import Settings
from worker.models.files.manifest import StoredModel
from worker.models.sources import PullStep, advice, changed_source
from worker.models.store import ModelStore

MEGABYTE = 1_000_000
COLUMNS = ("name", "type", "version", "weights", "license", "title")


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_models(*, as_json: bool) -> None:
    """Show every known model and whether its weights are here.

    \b
    atelier models list
    """
    settings = Settings.from_env()
    store, catalog = ModelStore(settings.models), load_catalog(settings.cards)
    cards = [_row(card, _find(store, card)) for card in _beside_each_other(catalog)]
    rows = cards + [_fault_row(one) for one in catalog.faults]
    if as_json:
        echo_json(rows)
        return
    table = Table(*COLUMNS)
    for row in rows:
        table.add(*(str(row[name]) for name in COLUMNS))
    table.print()
    for row in rows:
        if row["problem"]:
            echo(f"warning: {row['problem']}", err=True)


def _beside_each_other(catalog: Catalog) -> Iterator[ModelCard]:
    """Yield the current card of each model, and the cards of its other versions."""
    for card in catalog:
        others = catalog.versions(card.name)
        yield from (card, *(other for other in others if other.version != card.version))


def _find(store: ModelStore, card: ModelCard) -> StoredModel | str:
    try:
        return store.find(card) or "not pulled"
    except ModelCorrupt:
        return "damaged"


def _row(card: ModelCard, found: StoredModel | str) -> dict[str, object]:
    weights = found if isinstance(found, str) else f"{found.bytes / MEGABYTE:.1f} MB"
    problem = "" if isinstance(found, str) else _changed(card, found)
    facts = {"name": card.reference, "type": card.kind, "version": card.version, "weights": weights}
    facts |= {"license": card.license, "title": card.title}
    return {**facts, "default": card.default, "problem": problem}


def _fault_row(fault: CardFault) -> dict[str, object]:
    unknown = dict.fromkeys(("type", "version", "license", "title"), "")
    row = {"name": fault.name, **unknown, "weights": "card at fault", "default": False}
    return {**row, "problem": str(fault), "path": str(fault.path), "field": fault.field}


def _changed(card: ModelCard, found: StoredModel) -> str:
    file = changed_source(card, found)
    return advice(card, file) if file else ""


@click.command()
@click.argument("names", nargs=-1)
@click.option("--replace", is_flag=True, help="Pull again what is stored, under the same version.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each model.")
def pull(*, names: tuple[str, ...], replace: bool, as_json: bool) -> None:
    """Bring models into the store; without NAMES those that workers load at start.

    One that fails stops no other. A network that has changed under the version of the stored one is not taken
    without --replace.

    \b
    atelier models pull
    atelier models pull multistyle-26 nst-gatys
    """
    if replace and not names:
        raise click.UsageError("--replace needs the NAMES of the models to pull again")
    settings = Settings.from_env()
    store = ModelStore(settings.models)
    cards, unknown = _cards(settings, names, wanted_models(settings))
    if not cards and not unknown:
        echo("Workers load no model at start, so nothing was pulled; name the models to pull.", err=True)
    faults = {card.reference: _pull(store, card, replace=replace, as_json=as_json) for card in cards}
    await_notice(settings, [name for name, fault in faults.items() if not fault])
    if failed := [*filter(None, faults.values()), *unknown]:
        raise ModelUnavailable("; ".join(failed))


def _pull(store: ModelStore, card: ModelCard, *, replace: bool, as_json: bool) -> str:
    try:
        with interruption(f"{card.name} is as it was; the same command begins again"):
            found = store.pull(card, _step_printer(card.reference), replace=replace)
    except AtelierError as error:
        return error.whole
    if changed := _changed(card, found):
        return changed
    if as_json:
        facts = {"name": card.name, "version": card.version}
        echo_json({**facts, "bytes": found.bytes, "folder": str(found.folder)})
    else:
        echo(f"{card.name} {card.version}: {found.bytes / MEGABYTE:.1f} MB in {found.folder}")
    return ""


def _step_printer(name: str) -> Callable[[PullStep], None]:
    """Return a function that prints each step of a pull once, and every tenth of a download."""
    printed: set[str] = set()

    def show(step: PullStep) -> None:
        total = step.total_bytes if step.step == "fetch" else None
        tenth = 10 * step.done_bytes // total if total else 0
        line = f"{name}: {step.step}{f' {tenth}0 %' if tenth else ''}"
        if line not in printed:
            printed.add(line)
            echo(line, err=True)

    return show


@click.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each model that is good.")
def verify(*, names: tuple[str, ...], as_json: bool) -> None:
    """Check stored weights against their checksums; without NAMES all that are stored.

    \b
    atelier models verify
    atelier models verify magenta-mobile
    """
    settings = Settings.from_env()
    store = ModelStore(settings.models)
    known = _beside_each_other(load_catalog(settings.cards))
    stored = [card for card in known if _find(store, card) != "not pulled"]
    cards, unknown = _cards(settings, names, stored)
    if not cards and not unknown:
        echo("No model is stored; `atelier models pull` brings those that workers load at start.", err=True)
    faults = [fault for card in cards if (fault := _verify(store, card, as_json=as_json))]
    if faults or unknown:
        raise ModelCorrupt("; ".join([*faults, *unknown]))


def _verify(store: ModelStore, card: ModelCard, *, as_json: bool) -> str:
    try:
        found = store.verify(card)
    except AtelierError as error:
        return error.whole
    files, digest = len(found.manifest.files), found.manifest.digest
    if as_json:
        echo_json({"name": card.name, "version": card.version, "files": files, "digest": digest})
    else:
        echo(f"{card.name} {card.version}: good, {files} files, {digest[:12]}")
    return ""


def _cards(
    settings: Settings, names: Iterable[str], otherwise: list[ModelCard]
) -> tuple[list[ModelCard], list[str]]:
    """Return the cards that were named, and what is wrong with the names that have no usable card."""
    catalog = load_catalog(settings.cards)
    if not names:
        for fault in catalog.faults:
            echo(f"warning: {fault}", err=True)
        return otherwise, []
    cards, faults = [], []
    for name in names:
        try:
            cards.append(catalog.get(name))
        except UnknownModel as error:  # CardUnusable too
            faults.append(error.whole)
    return cards, faults
