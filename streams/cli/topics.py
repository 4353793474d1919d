"""`facestreams topics`: create, verify, show, mend and new-epoch."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.engine.topics.inspection import Inspection

commands = typer.Typer(help="The account's topics, and the settings that promises rest on.")

ASSUMED = (
    "this user may not read the brokers' settings (DescribeConfigs on the cluster is missing): the limits are computed"
    " with Kafka's defaults"
)

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@commands.callback(invoke_without_command=True)
def all_of_it(context: typer.Context, json: Json = False) -> None:
    """The account's topics, and the settings that promises rest on; without a command: show."""
    if context.invoked_subcommand is None:
        show(context, json=json)
    elif json:
        raise typer.BadParameter("put it behind the command", param_hint="--json")


@commands.command(
    epilog=examples("facestreams topics create", "facestreams --account acme --replication 3 topics create")
)
def create(context: typer.Context) -> None:
    """Create the topics that do not exist; what exists is never altered. Of every account, if none is named."""
    from streams.engine.topics.admin import create_missing  # noqa: PLC0415  the engine is slow to import

    quiet_clients()
    any_created = False
    for settings in invocation(context).each():
        for name in asyncio.run(
            create_missing(settings.connection(), settings.topics(), replication=settings.replication)
        ):
            result(f"created {name}")
            any_created = True
    if not any_created:
        say("every topic exists")


@commands.command(epilog=examples("facestreams topics verify", "facestreams topics verify --json | jq .promise"))
def verify(context: typer.Context, json: Json = False) -> None:
    """Compare the topics as they are with what is promised; one sentence for each difference.

    What breaks a promise is an error, and no worker starts; what only differs is said, and is none. Of every account,
    if none is named.
    """
    from streams.cli.topic_tables import difference_lines  # noqa: PLC0415  the engine is slow to import

    found = [_inspect(settings) for settings in invocation(context).each()]
    for each in found:
        for line in difference_lines(each, as_json=json):
            result(line)
    if any(each.broken for each in found):
        raise typer.Exit(ExitCode.REFUSED)
    remarks = any(each.remarks for each in found)
    say("every topic keeps its promises" if remarks else "every topic is as promised")


@commands.command(epilog=examples("facestreams topics show", "facestreams topics", "facestreams topics show --json"))
def show(context: typer.Context, json: Json = False) -> None:
    """Print each topic as wanted and as found, and how long a thing stays on the brokers' disks at most."""
    from streams.cli.topic_tables import topic_lines  # noqa: PLC0415  the engine is slow to import

    settings = invocation(context).settings()
    found = _inspect(settings)
    for line in topic_lines(found, replication=settings.replication, as_json=json):
        result(line)
    _say_how_long_a_deletion_takes(settings, found)
    if found.broken:
        raise typer.Exit(ExitCode.REFUSED)


def _say_how_long_a_deletion_takes(settings: Settings, found: "Inspection") -> None:
    from streams.agents.erasure.waits import waits  # noqa: PLC0415  the engine is slow to import
    from streams.engine.topics.admin import AdminError  # noqa: PLC0415
    from streams.engine.topics.bounds import duration  # noqa: PLC0415

    topics = {topic.spec.name: topic.found for topic in found.topics if topic.found is not None}
    if found.brokers is not None and len(topics) == len(found.topics):
        try:
            at_most = waits(settings.topics(), topics, found.brokers).at_most
        except AdminError:  # it is said of the topic that leaves it open
            return
        say(f"a deletion is complete {duration(at_most)} at most after it is carried out and all copies are in sync")


@commands.command(epilog=examples("facestreams topics mend", "facestreams topics mend --yes"))
def mend(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Alter the topics; without it they are only named.")] = False,
) -> None:
    """Set the settings that differ to what is declared, and leave all others; partitions and copies stay.

    Retention that becomes shorter removes what is older. Needs the right AlterConfigs on the topics.
    """
    from streams.engine.topics import inspection  # noqa: PLC0415  the engine is slow to import

    settings = invocation(context).settings()
    differences = inspection.mendable(_inspect(settings), replication=settings.replication)
    if yes and differences:
        asyncio.run(inspection.mend(settings.connection(), differences))
    for each in differences:
        change = f"{each.topic} {each.setting} from {each.found} to {each.wanted}"
        result(f"set {change}" if yes else f"would set {change}")
    if not differences:
        say("every setting is as declared")
    elif not yes:
        say("nothing was altered: --yes does it")
        raise typer.Exit(ExitCode.REFUSED)


@commands.command("new-epoch", epilog=examples("facestreams topics new-epoch camera-frames"))
def new_epoch(
    context: typer.Context, topic: Annotated[str, typer.Argument(help="The topic's short name, as camera-frames.")]
) -> None:
    """Keep a topic that was made anew by hand, or restored, apart from what it was before. Stop all workers first."""
    from streams.engine.topics.admin import EPOCH_TOPICS, draw_epoch  # noqa: PLC0415  the engine is slow to import

    if topic not in EPOCH_TOPICS:
        raise typer.BadParameter(f"expected one of {', '.join(EPOCH_TOPICS)}", param_hint="TOPIC")
    quiet_clients()
    settings = invocation(context).settings()
    asyncio.run(draw_epoch(settings.connection(), settings.topics(), topic))
    result(f"{settings.topics().name(topic)} has a new epoch")


def _inspect(settings: Settings) -> "Inspection":
    from streams.engine.brokers import BROKERS  # noqa: PLC0415  the engine is slow to import
    from streams.engine.topics.inspection import inspect  # noqa: PLC0415

    quiet_clients()
    broker = BROKERS[settings.broker]
    found = asyncio.run(
        inspect(settings.connection(), settings.topics(), replication=settings.replication, broker=broker)
    )
    if found.brokers is None:
        for sentence in broker.cannot_keep():
            say(f"the {broker.name} broker cannot keep a promise: {sentence}")
    elif found.brokers.assumed:
        say(ASSUMED)
    return found
