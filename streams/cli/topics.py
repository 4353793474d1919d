"""`facestreams topics create` and `topics verify`."""

import asyncio

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say

commands = typer.Typer(no_args_is_help=True, help="The account's topics, and the settings that promises rest on.")


@commands.command(
    epilog=examples("facestreams topics create", "facestreams --account acme --replication 3 topics create")
)
def create(context: typer.Context) -> None:
    """Create the topics that do not exist; what exists is never altered."""
    from streams.engine.admin import create_missing  # noqa: PLC0415  the engine is slow to import

    quiet_clients()
    settings = invocation(context).settings()
    created = asyncio.run(create_missing(settings.connection(), settings.topics(), replication=settings.replication))
    for name in created:
        result(f"created {name}")
    if not created:
        say("every topic exists")


@commands.command(epilog=examples("facestreams topics verify"))
def verify(context: typer.Context) -> None:
    """Compare the topics as they are with what is promised; one sentence for each difference."""
    from streams.engine.admin import differences  # noqa: PLC0415  the engine is slow to import
    from streams.engine.brokers import BROKERS  # noqa: PLC0415

    quiet_clients()
    settings = invocation(context).settings()
    broker = BROKERS[settings.broker]
    found = asyncio.run(
        differences(settings.connection(), settings.topics(), replication=settings.replication, broker=broker)
    )
    for sentence in found:
        result(sentence)
    if found:
        raise typer.Exit(ExitCode.REFUSED)
    say("every topic is as promised")
