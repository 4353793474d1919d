"""`facestreams workers` and `workers gone`."""

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.edge.workers import Worker

commands = typer.Typer()

IN_WORDS: Final = {"live": "live", "silent": "silent", "left_snapshot": "left a snapshot"}
SNAPSHOT: Final = {"no": "no snapshot", "yes": "snapshot up to date", "behind": "snapshot behind"}

GO_ON: Final = "yes"


@commands.callback(
    invoke_without_command=True,
    epilog=examples("facestreams workers", "facestreams workers --json | jq 'select(.state != \"live\").worker'"),
)
def workers(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a worker and line.")] = False,
) -> None:
    """List the account's workers: when each was heard of, how far it is on face-features, and whether it is there.

    One that was silent for a minute is named in the receipts of deletions that it has not confirmed: for a day, or, if
    it left a snapshot, until that is removed, its word is taken back, or 30 days have passed.
    """
    if context.invoked_subcommand is not None:
        if json:
            raise typer.BadParameter("the list alone is printed as JSON", param_hint="--json")
        return
    import msgspec  # noqa: PLC0415

    found = _read(invocation(context).settings())
    for each in found:
        result(msgspec.json.encode(each).decode() if json else _line(each))
    say(f"{len(found)} workers, {sum(each.state == 'live' for each in found)} live")


@commands.command(epilog=examples("facestreams workers gone 5f0c2a91", "facestreams workers gone 5f0c2a91 77e0 --yes"))
def gone(
    context: typer.Context,
    worker: Annotated[list[str], typer.Argument(help="As `workers` lists it; not one that is live.")],
    yes: Annotated[bool, typer.Option("--yes", help="State it without being asked.")] = False,
) -> None:
    """State that nothing is left of a worker's memory and snapshot, as after its container was removed for good.

    Its word is taken from control: deletions neither wait for it nor name it any more, and the audit counts it as gone.
    """
    from streams.edge.workers import take_back  # noqa: PLC0415  imports the Kafka client

    settings = invocation(context).settings()
    _refuse_unless_silent(settings, worker)
    say(
        f"You state that nothing is left of what {' and '.join(worker)} held of the account {settings.account}: no"
        " process, no memory of one, and no snapshot."
    )
    if not yes:
        say(f"Type {GO_ON} to go on:")
        if sys.stdin.readline().strip() != GO_ON:
            say("nothing was taken back")
            raise typer.Exit(ExitCode.REFUSED)
        _refuse_unless_silent(settings, worker)  # it may have spoken since
    asyncio.run(take_back(settings.connection(), settings.topics(), worker))
    for each in worker:
        result(f"{each} is gone: its word is taken back")


def _read(settings: Settings) -> "list[Worker]":
    from streams.edge.workers import read_workers  # noqa: PLC0415  imports the Kafka client
    from streams.engine.brokers import BROKERS  # noqa: PLC0415

    quiet_clients()
    exact_ends = BROKERS[settings.broker].exact_ends
    reading = read_workers(settings.connection(), settings.topics(), exact_ends=exact_ends, now_ms=_now_ms())
    return asyncio.run(reading)


def _refuse_unless_silent(settings: Settings, workers_: list[str]) -> None:
    from streams.edge.workers import why_not_gone  # noqa: PLC0415  imports the Kafka client

    if (reason := why_not_gone(_read(settings), workers_)) is not None:
        say(f"nothing was taken back: {reason}")
        raise typer.Exit(ExitCode.REFUSED)


def _line(worker: "Worker") -> str:
    from streams.engine.topics.bounds import duration  # noqa: PLC0415  the engine is slow to import

    heard = f"heard of {duration(max(1, worker.silent_ms // 1000) * 1000)} ago"
    memory = "memory up to date" if worker.memory == "up_to_date" else "memory behind"
    return f"{worker.worker}: {IN_WORDS[worker.state]}, {heard}; {memory}, {SNAPSHOT[worker.snapshot]}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
