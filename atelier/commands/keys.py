"""`atelier keys`: who may use the service. It works on the job store itself, so it needs no key."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from atelier.backup.offline import enter_or_make
from atelier.commands.options.one_by_one import carry_out_each
from atelier.commands.options.service import Target, pass_target
from atelier.commands.options.times import Lifetime
from atelier.display import echo, echo_json
from atelier.display.table import FactSheet, Table
from atelier.display.time_format import say_moment
from shared.access.key import DEFAULT_SCOPES, NAME, ApiKey, Scope, scopes_to_text
from shared.access.store import KeyStore
from shared.redis.scripts import Scripts
from shared.settings import Settings

PAGE = 200


class KeyName(click.ParamType[str]):
    """The name of a key or an owner."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name; fail where it is none."""
        if re.fullmatch(NAME, value) is None:
            self.fail(f"{value!r} is no name: 1 to 64 lower case letters, digits, - and _", param, ctx)
        return value


class Scopes(click.ParamType[frozenset[Scope]]):
    """Scopes, split by commas."""

    name = "scopes"

    def convert(
        self, value: str | frozenset[Scope], param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[Scope]:
        """Return the set of scopes; fail where one is none."""
        if not isinstance(value, str):
            return value
        try:
            return frozenset(Scope(part.strip()) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not of {', '.join(Scope)}", param, ctx)


@click.group(short_help="Create, list and revoke API keys.")
def keys() -> None:
    """Say who may use the service: create, list and revoke API keys.

    Works on the job store itself, so it needs no key: on the machine of the service, whether it runs or not,
    or in its container. `self` alone asks the service.

    \b
    atelier keys create ada
    atelier keys list
    atelier keys self
    """


@contextmanager
def _store() -> Iterator[KeyStore]:
    """Open the keys of the installation of this state folder, or of a new one."""
    with enter_or_make(Settings.from_env()) as installation:
        yield KeyStore(Scripts(installation.client))


@keys.command()
@click.argument("name", type=KeyName())
@click.option(
    "--owner",
    type=KeyName(),
    help="Name the owner whose jobs it sees; `anonymous` has those made without keys. [default: NAME]",
)
@click.option(
    "--scope",
    "scopes",
    type=Scopes(),
    default=",".join(scope for scope in Scope if scope in DEFAULT_SCOPES),
    show_default=True,
    help="Give what it allows, split by commas: submit, read, admin (everything), metrics.",
)
@click.option(
    "--expires", type=Lifetime(), help="End it after so long, such as 12h or 90d. [default: always]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(
    *, name: str, owner: str | None, scopes: frozenset[Scope], expires: int | None, as_json: bool
) -> None:
    """Create a key and print it. It is shown this once: only a hash of it is kept.

    From the first key on, the service answers no request without one.

    \b
    atelier keys create ada
    atelier keys create shop --scope submit,read --expires 90d
    """
    with _store() as store:
        key, text = store.create(name, owner=owner or name, scopes=scopes, expires_seconds=expires)
    if as_json:
        echo_json({**_facts(key), "key": str(text)})
        return
    echo(text)
    allowed = scopes_to_text(scopes)
    echo(f"{key.name} ({key.id}), of {key.owner}: {allowed}; keep it, it is not shown again", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_keys(*, as_json: bool) -> None:
    """Show all keys, newest first, and when each was used last.

    \b
    atelier keys list
    """
    with _store() as store:
        now, found = store.read().now, list(_all(store))
    if as_json:
        echo_json([{**_facts(key), "fault": key.fault(now) or None} for key in found])
        return
    table = Table("id", "name", "owner", "scopes", "created", "last used", "expires", "state")
    for key in found:
        times = map(_moment, (key.created_at, key.used_at, key.expires_at))
        state = key.fault(now).rpartition(" ")[2] or "valid"
        table.add(key.id, key.name, key.owner, scopes_to_text(key.scopes), *map(say_moment, times), state)
    if found:
        table.print()
    else:
        echo("There are no keys: anyone who reaches the service may use it.", err=True)


@keys.command("self")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def show_self(target: Target, /, *, as_json: bool) -> None:
    """Show in whose name requests are made, and what they may do; it asks the service.

    \b
    atelier keys self
    atelier keys self --json
    """
    with target.client() as client:
        found = client.identity()
    if as_json:
        echo_json(found.raw)
        return
    page = FactSheet()
    page.add("owner", found.owner)
    page.add("scopes", " ".join(found.scopes))
    if found.key:
        page.add("key", f"{found.key.name} ({found.key.id})")
        page.add("expires", say_moment(found.key.expires_at) or "never")
        page.add("last used", say_moment(found.key.used_at))
    else:
        page.add("key", "none: requests need none, or a proxy names the user")
    page.print()


@keys.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each key.")
@click.pass_context
def revoke(ctx: click.Context, *, ids: tuple[str, ...], as_json: bool) -> None:
    """Refuse keys from now on, within a second. What they made stays with its owner.

    \b
    atelier keys revoke key_019a...
    """
    with _store() as store:
        carry_out_each(ctx, ids, store.revoke, "revoked", as_json=as_json)


def _all(store: KeyStore) -> Iterator[ApiKey]:
    cursor: str | None = None
    while True:
        page = store.page(limit=PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _facts(key: ApiKey) -> dict[str, object]:
    names = ("created_at", "used_at", "expires_at", "revoked_at")
    times = {name: _moment(getattr(key, name)) for name in names}
    return {
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "scopes": scopes_to_text(key.scopes).split(),
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
    }
