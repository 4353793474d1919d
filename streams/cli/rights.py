"""`facestreams rights`."""

from typing import Annotated

import typer

from streams.cli.invocation import invocation
from streams.cli.output import examples, result
from streams.wire.rights import Role, commands_for, rights_of

commands = typer.Typer()


@commands.command(
    epilog=examples(
        "facestreams rights worker --principal User:worker",
        "facestreams --account acme rights camera --principal User:lobby-7 --command-config admin.properties | sh",
        "facestreams rights consumer --principal User:board --group board",
    )
)
def rights(
    context: typer.Context,
    role: Annotated[Role, typer.Argument(help="Whose work is to be done with this account's topics.")],
    principal: Annotated[str, typer.Option(help="As the broker knows who is to have them: User:<name>.")],
    group: Annotated[
        list[str] | None, typer.Option(help="A consumer group to read in; ours need none. May be given again.")
    ] = None,
    command_config: Annotated[str, typer.Option(help="The properties with which kafka-acls.sh connects.")] = "",
) -> None:
    """Print the kafka-acls.sh commands that give a role the least rights it needs; asks no broker."""
    if not principal.partition(":")[2]:
        raise typer.BadParameter("expected a kind and a name, as in User:worker", param_hint="--principal")
    settings = invocation(context).settings()
    given = rights_of(role, settings.topics(), groups=group or ())
    for line in commands_for(
        principal, given, bootstrap_servers=settings.bootstrap_servers, command_config=command_config
    ):
        result(line)
