"""`facestreams worker`."""

import typer

from streams.cli.invocation import invocation
from streams.cli.output import examples, say
from streams.cli.packages import second_opencv

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
    if (advice := second_opencv()) is not None:
        say(advice)
    from streams.app import run_worker  # noqa: PLC0415  networks and engine are slow to import
    from streams.cli.log import set_up_log  # noqa: PLC0415

    set_up_log(settings.log_level)
    raise typer.Exit(run_worker(settings))
