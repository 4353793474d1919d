"""`facestreams keys new` and `keys list`."""

from datetime import UTC, datetime

import typer

from streams.cli.invocation import invocation
from streams.cli.output import examples, result

commands = typer.Typer(no_args_is_help=True, help="The account's keys: what features are made and sealed with.")


@commands.command(
    epilog=examples("facestreams keys new", "facestreams --account acme --key-dir /srv/keys/acme keys new")
)
def new(context: typer.Context) -> None:
    """Draw the keys of a new account into its key directory, which must not exist.

    Copy the directory to every worker of the account and to a safe place: without it nothing that is
    enrolled can be read again, and everybody must be enrolled anew.
    """
    from models.gallery.keys import KeyDirectory  # noqa: PLC0415  imports cryptography

    directory = invocation(context).settings().key_dir
    for key in KeyDirectory.create(directory).list_keys():
        result(f"{key.kind} key {key.id} in {directory}")


@commands.command("list", epilog=examples("facestreams keys list"))
def list_(context: typer.Context) -> None:
    """Show which keys there are, and since when; never the keys themselves."""
    from models.gallery.keys import KeyDirectory  # noqa: PLC0415  imports cryptography

    for key in KeyDirectory.open(invocation(context).settings().key_dir).list_keys():
        created = datetime.fromtimestamp(key.created_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        result(f"{key.id}  {key.kind}  {created}  {'active' if key.active else 'kept for what it made'}")
