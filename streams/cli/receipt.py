"""`facestreams receipt show` and `receipt verify`."""

import asyncio
import base64
import binascii
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.edge.errors import SourceError

if TYPE_CHECKING:
    from streams.wire.records import Receipt

commands = typer.Typer(no_args_is_help=True, help="Receipts of deletions: what was erased, when, and who signed it.")

STDIN: Final = "-"


@commands.command(
    epilog=examples("facestreams receipt show 7f3c --wait", "facestreams receipt show 7f3c > receipt.json")
)
def show(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(help="As `forget` printed it.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the deletion is complete.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait.")] = 900.0,
) -> None:
    """Print the receipt of a deletion as one line of JSON, as it was signed."""
    import msgspec  # noqa: PLC0415

    from streams.edge.receipts import find_receipt  # noqa: PLC0415  imports the Kafka client
    from streams.engine.brokers import BROKERS  # noqa: PLC0415

    quiet_clients()
    settings = invocation(context).settings()
    receipt = asyncio.run(
        find_receipt(
            settings.connection(),
            settings.topics(),
            request_id,
            exact_ends=BROKERS[settings.broker].exact_ends,
            wait_s=timeout if wait else None,
        )
    )
    if receipt is None:
        say(f"no receipt of request {request_id}: it is not complete yet, or its events have expired")
        raise typer.Exit(ExitCode.REFUSED)
    result(msgspec.json.encode(receipt).decode())


@commands.command(
    epilog=examples(
        "facestreams receipt verify receipt.json",
        "facestreams receipt show 7f3c | facestreams receipt verify - --public-key <base64>",
    )
)
def verify(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The receipt's JSON; - for standard input.")],
    public_key: Annotated[
        str | None, typer.Option(help="The signing key's public half in base64; without it the key directory is asked.")
    ] = None,
) -> None:
    """Say whether a receipt is unaltered and signed with a key of the deployment."""
    from models.gallery import signing  # noqa: PLC0415  imports cryptography
    from streams.wire.receipts import read_receipt, signature_of, signed_bytes  # noqa: PLC0415

    try:
        receipt = read_receipt(_read(file))
    except ValueError as error:
        say(f"not a receipt: {error}")
        raise typer.Exit(ExitCode.REFUSED) from error
    public = _public_key(context, public_key, receipt.key_id)
    if public is None:
        say(f"the key directory has no signing key {receipt.key_id}")
        raise typer.Exit(ExitCode.REFUSED)
    if not signing.verify(public, signed_bytes(receipt), signature_of(receipt)):
        say(f"the signature does not fit: the receipt was altered, or not signed with {receipt.key_id}")
        raise typer.Exit(ExitCode.REFUSED)
    result(f"signed with {receipt.key_id}, unaltered: {receipt.scope} of account {receipt.account}, {_counts(receipt)}")


def _counts(receipt: "Receipt") -> str:
    said = f"{receipt.persons} persons, {receipt.features} features"
    if receipt.unread:
        said += f", {receipt.unread} key records in its scope could not be read"
    return f"{said}, {len(receipt.silent)} workers silent" if receipt.silent else said


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}") from error


def _public_key(context: typer.Context, given: str | None, key_id: str) -> bytes | None:
    """None where the key directory has none of this id."""
    if given is not None:
        try:
            return base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError) as error:
            raise typer.BadParameter("expected base64", param_hint="--public-key") from error
    from models.gallery.keys import KeyDirectory  # noqa: PLC0415  imports cryptography

    return KeyDirectory.open(invocation(context).settings().key_dir).verify_keys().get(key_id)
