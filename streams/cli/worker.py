"""`facestreams worker`."""

import typer

from streams.cli.invocation import invocation
from streams.cli.output import examples

commands = typer.Typer()


@commands.command(
    epilog=examples(
        "facestreams worker",
        "facestreams --bootstrap-servers kafka:9092 --account acme worker",
        "FACESTREAMS_GALLERIES='lobby*=default,vip;*=default' facestreams worker",
    )
)
def worker(context: typer.Context) -> None:
    """Recognise, enroll and forget, until told to stop. Any number of workers share the cameras."""
    settings = invocation(context).settings()
    from models.single_opencv import check_single_opencv  # noqa: PLC0415  not before it is known to be our models

    check_single_opencv()
    from streams.app import run_worker  # noqa: PLC0415  networks and engine are slow to import
    from streams.cli.log import set_up_log  # noqa: PLC0415

    set_up_log(settings.log_level)
    raise typer.Exit(run_worker(settings))
