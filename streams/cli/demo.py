"""`facestreams demo`."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.output import examples, quiet_clients

commands = typer.Typer()


@commands.command(epilog=examples("facestreams demo", "facestreams demo --seconds 20 --report /tmp/demo.json"))
def demo(
    report: Annotated[Path, typer.Option(help="Where the summary is written as JSON.")] = Path("build/demo.json"),
    seconds: Annotated[float, typer.Option(min=5, max=600, help="How long the cameras film.")] = 20.0,
) -> None:
    """Film people on three cameras, recognise them, and hold the names against the truth.

    Brings its own broker, keys and pictures; nothing needs to be set up.
    """
    quiet_clients()
    from models.single_opencv import check_single_opencv  # noqa: PLC0415  not before it is known to be our models

    check_single_opencv()
    from streams.demo.run import run_demo  # noqa: PLC0415  networks and engine are slow to import

    raise typer.Exit(run_demo(report=report, seconds=seconds))
