"""`facestreams watch`."""

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result
from streams.cli.stopping import until_stop_requested
from streams.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from streams.wire.records import Sighting

commands = typer.Typer()

REDRAWS_PER_S = 4


@commands.command(
    epilog=examples("facestreams watch", "facestreams watch --json", "facestreams watch --json | jq .person_id")
)
def watch(
    context: typer.Context,
    json: Annotated[
        bool, typer.Option("--json", help="One sighting a line; so it is, too, where the output is no terminal.")
    ] = False,
) -> None:
    """Show who is in front of which camera, as it changes, until told to stop."""
    quiet_clients()
    watching = _watch(invocation(context).settings(), as_table=sys.stdout.isatty() and not json)
    asyncio.run(until_stop_requested(watching))


async def _watch(settings: Settings, *, as_table: bool) -> None:
    from streams.edge.readers import sighting_reader  # noqa: PLC0415  imports the Kafka client

    async with sighting_reader(settings.connection(), settings.topics()) as reader:
        await (_table(reader) if as_table else _lines(reader))


async def _lines(reader: "AsyncIterable[Sighting]") -> None:
    from streams.wire.records import encode  # noqa: PLC0415

    async for sighting in reader:
        result(encode(sighting).decode())


async def _table(reader: "AsyncIterable[Sighting]") -> None:
    from rich.live import Live  # noqa: PLC0415

    from streams.edge import watch as table  # noqa: PLC0415

    rows: dict[str, table.Row] = {}

    def draw(live: Live) -> None:
        nonlocal rows
        now_ms = time.time_ns() // 1_000_000
        rows = table.current(rows, now_ms)
        live.update(table.render(rows, now_ms), refresh=True)

    async def redraw(live: Live) -> None:
        while True:
            draw(live)
            await asyncio.sleep(1 / REDRAWS_PER_S)

    with Live(auto_refresh=False) as live:
        redrawing = asyncio.create_task(redraw(live))
        try:
            async for sighting in reader:
                rows = table.advance(rows, sighting)
        finally:
            redrawing.cancel()
            draw(live)
