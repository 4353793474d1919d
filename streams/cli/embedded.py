"""`facestreams embedded`."""

import asyncio
from typing import Annotated

import typer

from streams.cli.invocation import invocation
from streams.cli.output import examples, say
from streams.cli.stopping import stop_requested, wait_for
from streams.settings import Settings

commands = typer.Typer()

CHECK_S = 1.0


@commands.command(
    epilog=examples("facestreams embedded", "facestreams embedded --port 19092", "facestreams --broker embedded worker")
)
def embedded(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one.")] = 9092,
) -> None:
    """Run a broker in memory, on loopback, until told to stop; for a first run and for tests.

    Creates the topics of the account. What it holds is gone when it ends.
    """
    asyncio.run(_serve(invocation(context).settings(), port))


async def _serve(settings: Settings, port: int) -> None:
    from streams.engine.brokers import EMBEDDED  # noqa: PLC0415
    from streams.engine.embedded import EmbeddedBroker  # noqa: PLC0415
    from streams.engine.topics.admin import create_missing  # noqa: PLC0415  the engine is slow to import
    from streams.wire.connection import Connection  # noqa: PLC0415

    with stop_requested() as stop, EmbeddedBroker(port) as broker:
        connection = Connection(broker.bootstrap_servers)
        created = await create_missing(connection, settings.topics(), replication=1)
        say(f"embedded broker at {broker.bootstrap_servers}, {len(created)} topics created; Ctrl-C ends it")
        for sentence in EMBEDDED.cannot_keep():
            say(f"it cannot keep a promise: {sentence}")
        while not await wait_for(stop, CHECK_S):
            broker.check()
