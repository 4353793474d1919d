"""What the commands share that ask the gallery something and wait for its answer."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.output import quiet_clients, result, say
from streams.settings import Settings
from streams.wire.codes import Code

if TYPE_CHECKING:
    from streams.edge.commands import Command
    from streams.wire.records import GalleryEvent, Receipt

PersonId = Annotated[str, typer.Argument(help="The customer's own id of the person.")]
Gallery = Annotated[str | None, typer.Option(help="Which gallery; default if none is named.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for each answer.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the request's id and do not wait for its answer.")]


def carry_out(settings: Settings, requests: Sequence[tuple[str, "Command"]], timeout_s: float, no_wait: bool) -> None:
    """Send one after the other, each under the name of what it is about, and print the answers."""
    quiet_clients()
    if not asyncio.run(_ask(settings, requests, timeout_s, no_wait)):
        raise typer.Exit(ExitCode.REFUSED)


async def _ask(settings: Settings, requests: Sequence[tuple[str, "Command"]], timeout_s: float, no_wait: bool) -> bool:
    """Whether every answer was yes."""
    from streams.edge.client import GalleryClient  # noqa: PLC0415  imports the Kafka client

    accepted = True
    async with GalleryClient(settings.connection(), settings.topics(), timeout_s=timeout_s) as client:
        for subject, command in requests:
            if no_wait:
                await client.submit(command)
                result(f"{subject}: sent as request {command.request_id}")
                continue
            answer = await client.ask(command)
            accepted = accepted and answer.accepted
            result(f"{subject}: {answer.code}" + _more(answer))
    return accepted


def _more(answer: "GalleryEvent") -> str:
    """A deletion's receipt is asked for by the request's id."""
    if answer.code == Code.FORGETTING:
        return f", request {answer.request_id}"
    return f" ({answer.detail})" if answer.detail else ""


def carry_out_to_the_receipt(
    settings: Settings, subject: str, command: "Command", timeout_s: float, receipt_timeout_s: float
) -> None:
    """Send a deletion, print its answer, wait, and print its receipt as JSON."""
    import msgspec  # noqa: PLC0415

    quiet_clients()
    receipt = asyncio.run(_receipt(settings, subject, command, timeout_s, receipt_timeout_s))
    if receipt is None:
        raise typer.Exit(ExitCode.REFUSED)
    result(msgspec.json.encode(receipt).decode())


async def _receipt(
    settings: Settings, subject: str, command: "Command", timeout_s: float, receipt_timeout_s: float
) -> "Receipt | None":
    """None where the answer was no."""
    from streams.edge.client import GalleryClient  # noqa: PLC0415  imports the Kafka client

    async with GalleryClient(settings.connection(), settings.topics(), timeout_s=timeout_s) as client:
        answer = await client.ask(command)
        say(f"{subject}: {answer.code}" + _more(answer))
        if not answer.accepted:
            return None
        return await client.receipt(answer.request_id, timeout_s=receipt_timeout_s)
