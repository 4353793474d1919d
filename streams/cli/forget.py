"""`facestreams forget`: a person, everybody of a gallery, or all that is kept of an account."""

import sys
from typing import Annotated

import typer

from streams.cli.asking import NoWait, Timeout, carry_out, carry_out_to_the_receipt
from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, say

commands = typer.Typer()


@commands.command(
    epilog=examples(
        "facestreams forget ada",
        "facestreams forget tim --gallery pupils --receipt > tim.json",
        "facestreams forget --gallery pupils --everyone",
        "facestreams forget --whole-account --receipt",
    )
)
def forget(
    context: typer.Context,
    person: Annotated[str | None, typer.Argument(help="The customer's own id of the person.")] = None,
    gallery: Annotated[
        str | None, typer.Option(help="The person from this gallery alone; from every gallery if none is named.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="Everybody of the gallery that is named.")] = False,
    whole_account: Annotated[
        bool, typer.Option("--whole-account", help="All that is kept of the account, logs included, after a last bill.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the gallery's or account's name again.")] = False,
    receipt: Annotated[
        bool, typer.Option("--receipt", help="Wait until it is complete and print the receipt.")
    ] = False,
    receipt_timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the receipt.")] = 900.0,
    timeout: Timeout = 30.0,
    no_wait: NoWait = False,
) -> None:
    """Forget a person, a gallery or the account: nobody of it is matched any more, and then it is erased.

    A person is forgotten in every gallery, unless one is named. The first answer says that the deletion is accepted; it
    is complete when its receipt is out, some minutes later.
    """
    from streams.edge.commands import Command  # noqa: PLC0415
    from streams.wire.headers import Caller  # noqa: PLC0415

    if sum((person is not None, everyone, whole_account)) != 1:
        raise typer.BadParameter("name a person, or --everyone of a --gallery, or --whole-account: one of them")
    if everyone and gallery is None:
        raise typer.BadParameter("--everyone needs the --gallery that is meant")
    if receipt and no_wait:
        raise typer.BadParameter("--receipt waits, and --no-wait does not")
    settings = invocation(context).settings()
    if person is not None:
        subject, command = person, Command(command="forget", person_id=person, gallery=gallery)
    elif everyone:
        subject, command = f"gallery {gallery}", Command(command="forget_gallery", gallery=gallery)
        _confirm(gallery or "", f"everybody of the gallery {gallery}", yes)
    else:
        account = settings.account
        subject, command = f"account {account}", Command(command="forget_account", caller=Caller(account=account))
        _confirm(account, f"all that is kept of the account {account}", yes)
    if receipt:
        carry_out_to_the_receipt(settings, subject, command, timeout, receipt_timeout)
    else:
        carry_out(settings, [(subject, command)], timeout, no_wait)


def _confirm(name: str, what: str, yes: bool) -> None:
    if yes:
        return
    say(f"This erases {what}. Type its name to go on:")
    if sys.stdin.readline().strip() != name:
        say("another name: nothing was sent")
        raise typer.Exit(ExitCode.REFUSED)
