"""`facestreams`: the commands together, and the one place where errors become exit codes."""

import importlib.metadata
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from streams.cli import (
    audit,
    bill,
    demo,
    embedded,
    forget,
    gallery,
    invocation,
    keys,
    publish,
    receipt,
    rights,
    running_log,
    topics,
    watch,
    worker,
    workers,
)
from streams.cli.exit_codes import MEANING, ExitCode
from streams.cli.failures import exit_code_of
from streams.cli.output import result, say
from streams.cli.packages import require_own_packages

EPILOG = "\n\n".join(
    (
        "Settings are environment variables FACESTREAMS_<NAME>; the options above go before them, and before the "
        "command's name. The README lists all.",
        "Exit codes:",
        *(f"{code.value:3} {meaning}" for code, meaning in MEANING.items()),
    )
)

app = typer.Typer(
    name="facestreams",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=EPILOG,
)
for group in (worker, embedded, publish, gallery, forget, watch, bill, running_log, audit, rights, demo):
    app.add_typer(group.commands)
app.add_typer(keys.commands, name="keys")
app.add_typer(topics.commands, name="topics")
app.add_typer(receipt.commands, name="receipt")
app.add_typer(workers.commands, name="workers")


def _version(wanted: bool) -> None:
    if wanted:
        try:
            result(f"facestreams {importlib.metadata.version('facestreams')}")
        except importlib.metadata.PackageNotFoundError:
            result("facestreams, run from a source tree")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    bootstrap_servers: invocation.BootstrapServers = None,
    prefix: invocation.Prefix = None,
    account: invocation.Account = None,
    broker: invocation.Broker = None,
    partitions: invocation.Partitions = None,
    replication: invocation.Replication = None,
    key_dir: invocation.KeyDir = None,
    model_pack: invocation.ModelPack = None,
    log_level: invocation.LogLevel = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Recognise faces in video feeds that run through Apache Kafka, and keep no picture."""
    context.obj = invocation.Invocation(
        invocation.overrides(
            {
                "bootstrap_servers": bootstrap_servers,
                "prefix": prefix,
                "account": account,
                "broker": broker,
                "partitions": partitions,
                "replication": replication,
                "key_dir": key_dir,
                "model_pack": model_pack,
                "log_level": log_level,
            }
        )
    )


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; its exit code. Every failure ends in one line on stderr."""
    try:
        require_own_packages()
        app(args=list(arguments), prog_name="facestreams")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    except KeyboardInterrupt:
        say("facestreams: interrupted")
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001  the last place where a bug can be told from a failure
        code = exit_code_of(error)
        if code is None:
            traceback.print_exc()
            code = ExitCode.BUG
        say(f"facestreams: {error}" if code is not ExitCode.BUG else f"facestreams: a bug: {type(error).__name__}")
        return code
    return ExitCode.DONE


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))
