"""`facestreams worker`."""

import asyncio
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.invocation import Invocation, invocation, option_of
from streams.cli.output import examples
from streams.cli.stopping import stop_requested, wait_for
from streams.settings import PREFIX, Settings

if TYPE_CHECKING:
    from streams.fleet.process import Program

commands = typer.Typer()

Only = Annotated[
    list[str] | None, typer.Option(help="An account of the accounts file; all others are left. May be given again.")
]


@commands.command(
    epilog=examples(
        "facestreams worker",
        "facestreams --bootstrap-servers kafka:9092 --account acme worker",
        "FACESTREAMS_GALLERIES='lobby*=default,vip;*=default' facestreams worker",
        "FACESTREAMS_ACCOUNTS_FILE=accounts.toml facestreams worker --only acme",
    )
)
def worker(context: typer.Context, only: Only = None) -> None:
    """Recognise, enroll and forget, until told to stop. Any number of workers share the cameras.

    With an accounts file each account is served by a process of its own, which this one starts, and starts again
    when it ends.
    """
    given = invocation(context)
    accounts = _chosen(given.served(), only or ())
    if len(accounts) > 1:
        raise typer.Exit(_serve_each(accounts, given))
    raise typer.Exit(_serve(accounts[0]))


def _chosen(accounts: Sequence[Settings], only: Collection[str]) -> Sequence[Settings]:
    names = [settings.account for settings in accounts]
    if not set(only) <= set(names):
        raise typer.BadParameter(f"expected one of {', '.join(names)}", param_hint="--only")
    return [settings for settings in accounts if not only or settings.account in only]


def _serve(settings: Settings) -> int:
    from models.single_opencv import check_single_opencv  # noqa: PLC0415  not before it is known to be our models

    check_single_opencv()
    from streams.app import run_worker  # noqa: PLC0415  networks and engine are slow to import
    from streams.cli.logging_setup import set_up_log  # noqa: PLC0415

    set_up_log(settings.log_level, settings.account)
    return run_worker(settings, stop_requested)


def _serve_each(accounts: Sequence[Settings], given: Invocation) -> int:
    """Nothing of an account is ever in this process, which only starts others: keys, pictures and galleries are
    apart in memory by the operating system.
    """
    from streams.cli.logging_setup import set_up_log  # noqa: PLC0415
    from streams.fleet.process import Program  # noqa: PLC0415

    set_up_log(accounts[0].log_level)
    programs = [Program(settings.account, child_command(settings.account, given.overrides)) for settings in accounts]
    return asyncio.run(_run(programs))


async def _run(programs: Sequence["Program"]) -> int:
    from streams.fleet.supervision import Fleet  # noqa: PLC0415

    with stop_requested() as stop:
        return await Fleet(programs=programs, relay=write_line, wait=wait_for).run(stop)


def child_command(account: str, overrides: Mapping[str, str]) -> list[str]:
    """What serves this account alone, with the options that we were given."""
    options = [text for variable, value in overrides.items() for text in (option_of(variable), value)]
    return [sys.executable, "-m", "streams.cli", *options, option_of(PREFIX + "ACCOUNT"), account, "worker"]


def write_line(account: str, line: bytes) -> None:
    """Pass a worker's line on. One of its log says itself whose it is; any other gets it before.

    Where nobody takes what we print, nothing is said: no worker ends for that.
    """
    marked = line if line.startswith(b"{") else b"%s: %s" % (account.encode(), line)
    with suppress(OSError):
        sys.stderr.buffer.write(marked + b"\n")
        sys.stderr.buffer.flush()
