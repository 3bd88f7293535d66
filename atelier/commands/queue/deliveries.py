"""`atelier deliveries`: what webhooks were told, how each try went, and once more."""

from itertools import islice

import click

from atelier.client.queue.deliveries import DeliveryStatus
from atelier.commands.options.one_by_one import carry_out_each
from atelier.commands.options.service import Target, pass_target, url_option
from atelier.display import echo, echo_json
from atelier.display.delivery_tables import delivery_page, delivery_table

STATUSES = ("pending", "delivered", "disabled", "failed")


@click.group(short_help="See what webhooks were told, and tell them again.")
@url_option
def deliveries() -> None:
    """See what webhooks were told about jobs, batches and bulk actions, and tell them again.

    \b
    atelier deliveries list --status failed
    atelier deliveries redeliver msg_019a...
    """


@deliveries.command("list")
@click.option("--job", metavar="ID", help="List only those about this job.")
@click.option("--batch", metavar="ID", help="List only those about this batch.")
@click.option("--action", metavar="ID", help="List only those about this bulk action.")
@click.option("--status", type=click.Choice(STATUSES), help="List only deliveries of this status.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="List at most so many deliveries.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each delivery as a line of JSON.")
@pass_target
def list_deliveries(
    target: Target,
    /,
    *,
    job: str | None,
    batch: str | None,
    action: str | None,
    status: DeliveryStatus | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show deliveries, newest first, and how the latest try of each went.

    \b
    atelier deliveries list --job job_019a...
    atelier deliveries list --status failed --json
    """
    with target.client() as client:
        found = list(
            islice(client.deliveries.list(job=job, batch=batch, action=action, status=status), limit)
        )
    if as_json:
        for delivery in found:
            echo_json(delivery.raw)
    elif found:
        delivery_table(found).print()
    else:
        echo("There are no such deliveries.", err=True)


@deliveries.command()
@click.argument("delivery_id")
@click.option("--json", "as_json", is_flag=True, help="Print the delivery as JSON.")
@pass_target
def show(target: Target, /, *, delivery_id: str, as_json: bool) -> None:
    """Show a delivery with its tries.

    \b
    atelier deliveries show msg_019a...
    """
    with target.client() as client:
        delivery = client.deliveries.get(delivery_id)
    if as_json:
        echo_json(delivery.raw)
    else:
        delivery_page(delivery).print()


@deliveries.command()
@click.argument("delivery_ids", nargs=-1, required=True, metavar="ID...")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each delivery.")
@url_option
@click.pass_context
def redeliver(ctx: click.Context, /, *, delivery_ids: tuple[str, ...], as_json: bool) -> None:
    """Tell webhooks again, whatever came of it before: at once, with all tries again.

    \b
    atelier deliveries redeliver msg_019a...
    """
    target: Target = ctx.obj
    with target.client() as client:
        move = client.deliveries.redeliver
        carry_out_each(ctx, delivery_ids, move, "goes out again", as_json=as_json)
