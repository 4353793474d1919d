"""`facestreams bill`."""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.cli.times import at_ms
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.logs.billing import Billing
    from streams.wire.records import Bill

commands = typer.Typer()


class Format(StrEnum):
    """Of the bill."""

    CSV = "csv"
    JSON = "json"


@commands.command(
    epilog=examples(
        "facestreams bill --from 2026-11-01 --to 2026-12-01",
        "facestreams --account acme bill --from 2026-11-01T00:00Z --to 2026-11-08T00:00Z --format json",
    )
)
def bill(
    context: typer.Context,
    from_: Annotated[str, typer.Option("--from", help="First day or moment, as 2026-11-01; UTC.")],
    to: Annotated[str, typer.Option(help="First day or moment that is not on it any more; UTC.")],
    format_: Annotated[Format, typer.Option("--format", help="CSV, a line a user and interface; or one JSON.")] = (
        Format.CSV
    ),
    user: Annotated[str | None, typer.Option(help="Of this UIN alone.")] = None,
) -> None:
    """Add up an account's requests from the running log alone: the same bill however often it is asked for.

    A request belongs to the time at which the broker took it. The bill of a time that is over changes no more once
    its last requests are answered; deleting persons does not change it.
    """
    from streams.logs.billing import Billing, BillingError  # noqa: PLC0415

    quiet_clients()
    settings = invocation(context).settings()
    from_ms, to_ms = at_ms(from_, "--from"), at_ms(to, "--to")
    if from_ms >= to_ms:
        raise typer.BadParameter("expected a time after --from", param_hint="--to")
    billing = Billing(from_ms, to_ms, uin=user)
    try:
        asyncio.run(_read(settings, billing))
    except BillingError as error:
        say(f"facestreams: {error}")
        raise typer.Exit(ExitCode.REFUSED) from error
    made = billing.bill(account=settings.account, app_id=settings.app_id, region=settings.region)
    for line in _csv(made) if format_ is Format.CSV else [_json(made)]:
        result(line)
    if billing.unreadable:
        say(f"{billing.unreadable} records of running-log cannot be read: the bill may lack requests")
        raise typer.Exit(ExitCode.REFUSED)


async def _read(settings: Settings, billing: "Billing") -> None:
    from streams.edge.through import read_through  # noqa: PLC0415  imports the Kafka client
    from streams.engine.brokers import BROKERS  # noqa: PLC0415
    from streams.wire.rights import Role  # noqa: PLC0415
    from streams.wire.topics import RUNNING_LOG  # noqa: PLC0415

    await read_through(
        settings.connection(),
        settings.topics(),
        RUNNING_LOG,
        lambda record: billing.take(record.partition, record.value),
        role=Role.BILLER,
        exact_ends=BROKERS[settings.broker].exact_ends,
    )


def _json(made: "Bill") -> str:
    import msgspec  # noqa: PLC0415

    return msgspec.json.encode(made).decode()


def _csv(made: "Bill") -> list[str]:
    """A header, and a row for each line of the bill; empty where a user gave no name."""
    import csv  # noqa: PLC0415
    import io  # noqa: PLC0415

    of_all = {
        "account": made.account,
        "app_id": made.app_id,
        "region": made.region,
        "from": _moment(made.from_ms),
        "to": _moment(made.to_ms),
    }
    own = ("uin", "sub_uin", "request_interface", "requests", "billed")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*of_all, *own))
    for line in made.lines:
        writer.writerow((*of_all.values(), *(getattr(line, name) for name in own)))
    return text.getvalue().splitlines()


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
