"""`atelier quota`: what an owner may have. It works on the job store itself, so it needs no key."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click

from atelier.backup.offline import enter_or_make
from atelier.commands.keys import KeyName
from atelier.display import echo_json
from atelier.display.table import Table
from shared.owners.quota import MOST_WEIGHT, QUOTAS, Quota, QuotaStore
from shared.redis.scripts import Scripts
from shared.settings import Settings

DEFAULT = "default"
MOST = 2**53
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class Limit(click.ParamType[int]):
    """A number, perhaps with a unit; `default` is read as -1."""

    name = "limit"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fail where it is none."""
        if value == DEFAULT or not isinstance(value, str):
            return -1 if value == DEFAULT else int(value)
        found = re.fullmatch(r"([0-9]{1,15})([kMGT]?)", value, re.ASCII)
        number = int(found[1]) * _UNITS[found[2]] if found else MOST
        if number >= MOST:
            self.fail(f"{value!r} is no number such as 500 or 10G; {DEFAULT} takes the settings'", param, ctx)
        return number


class Weight(click.ParamType[int]):
    """A number of turns; `default` is read as -1."""

    name = "weight"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fail where it is none."""
        if value == DEFAULT or not isinstance(value, str):
            return -1 if value == DEFAULT else int(value)
        number = int(value) if re.fullmatch("[0-9]{1,3}", value, re.ASCII) else 0
        if not 1 <= number <= MOST_WEIGHT:
            self.fail(f"{value!r} is no number from 1 to {MOST_WEIGHT}; {DEFAULT} is 1", param, ctx)
        return number


@click.group(short_help="Say how much each owner may have.")
def quota() -> None:
    """Say how much an owner may have in the service: jobs that wait, bytes, pixels a day, jobs at once.

    Owners without a quota have that of the settings ATELIER_QUOTA_... Works on the job store itself, so it
    needs no key: on the machine of the service, whether it runs or not, or in its container.

    \b
    atelier quota show ada
    atelier quota set ada --queued 500
    """


@contextmanager
def _store() -> Iterator[QuotaStore]:
    settings = Settings.from_env()
    with enter_or_make(settings) as installation:
        yield QuotaStore(Scripts(installation.client), settings.quota)


@quota.command("set")
@click.argument("owner", type=KeyName())
@click.option("--queued", type=Limit(), help="Let so many jobs wait, items of batches included.")
@click.option("--running", type=Limit(), help="Let so many jobs run at once; more of them wait.")
@click.option("--stored-bytes", type=Limit(), help="Let files and results take so many bytes, such as 10G.")
@click.option(
    "--daily-pixels", type=Limit(), help="Let results of a day (UTC) have so many pixels, such as 500M."
)
@click.option("--weight", type=Weight(), help="Give so many turns where an owner of weight 1 has one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_quota(*, owner: str, as_json: bool, **given: int | None) -> None:
    """Set limits of an owner, from its next request on; what is not given stays as it is.

    0 is no limit; `default` takes what the settings say. The weight is 1 to 100, by default 1.

    \b
    atelier quota set ada --queued 500 --stored-bytes 10G
    atelier quota set ada --weight 3 --running default
    """
    limits = {name: None if limit == -1 else limit for name, limit in given.items() if limit is not None}
    with _store() as store:
        store.set(owner, limits)
        _tell(owner, store.read(owner), as_json=as_json)


@quota.command()
@click.argument("owner", type=KeyName())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(*, owner: str, as_json: bool) -> None:
    """Show what an owner may have, and what it has.

    \b
    atelier quota show ada
    """
    with _store() as store:
        _tell(owner, store.read(owner), as_json=as_json)


def _tell(owner: str, found: Quota, *, as_json: bool) -> None:
    if as_json:
        own = {**found.own, **({} if found.own_weight is None else {"weight": found.own_weight})}
        facts: Mapping[str, object] = {"own": own, "limits": found.limits, "used": found.used}
        echo_json({"owner": owner, **facts, "weight": found.weight})
        return
    table = Table("quota", "used", "limit", "set")
    for name in QUOTAS:
        limit = f"{found.limits[name]:,}" if found.limits[name] else "none"
        table.add(
            name, f"{found.used[name]:,}", limit, "for this owner" if name in found.own else "by settings"
        )
    table.add("weight", "", str(found.weight), "for this owner" if found.own_weight else "by default")
    table.print()
