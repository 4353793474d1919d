"""`facestreams enroll`, `forget` and `persons`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.edge.errors import SourceError
from streams.settings import Settings
from streams.wire.headers import ConsentBasis

if TYPE_CHECKING:
    from streams.edge.commands import Command

commands = typer.Typer()


PersonId = Annotated[str, typer.Argument(help="The customer's own id of the person.")]
Gallery = Annotated[str | None, typer.Option(help="Which gallery; default if none is named.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for each answer.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the request's id and do not wait for its answer.")]


@commands.command(
    epilog=examples(
        "facestreams enroll ada ada-1.jpg ada-2.jpg --consent form-2024-17 --consent-basis of_age",
        "facestreams enroll tim tim.png --consent form-2024-18 --consent-basis guardian --gallery pupils",
    )
)
def enroll(
    context: typer.Context,
    person: PersonId,
    pictures: Annotated[list[Path], typer.Argument(help="JPEG, PNG or WebP files, one face in each.")],
    consent: Annotated[str, typer.Option(help="Reference of the person's consent; kept with the feature.")],
    consent_basis: Annotated[ConsentBasis, typer.Option(help="Who consented: the person, of age, or a guardian.")],
    gallery: Gallery = None,
    timeout: Timeout = 30.0,
    no_wait: NoWait = False,
) -> None:
    """Enroll a person from pictures; each adds a feature. The pictures are not kept."""
    from streams.edge.commands import Command  # noqa: PLC0415

    requests = [
        (
            f"{person} from {path}",
            Command(
                command="enroll",
                person_id=person,
                picture=_read(path),
                gallery=gallery,
                consent=consent,
                consent_basis=consent_basis,
            ),
        )
        for path in pictures
    ]
    _carry_out(invocation(context).settings(), requests, timeout, no_wait)


@commands.command(epilog=examples("facestreams forget ada", "facestreams forget tim --gallery pupils --timeout 60"))
def forget(
    context: typer.Context,
    person: PersonId,
    gallery: Gallery = None,
    timeout: Timeout = 30.0,
    no_wait: NoWait = False,
) -> None:
    """Forget a person: the features are removed from the topic and from every worker."""
    from streams.edge.commands import Command  # noqa: PLC0415

    command = Command(command="forget", person_id=person, gallery=gallery)
    _carry_out(invocation(context).settings(), [(person, command)], timeout, no_wait)


@commands.command(epilog=examples("facestreams persons", "facestreams persons --json | jq .person_id"))
def persons(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a person and line.")] = False,
) -> None:
    """List who is enrolled, with consent, model and key; needs no key directory."""
    import msgspec  # noqa: PLC0415

    from streams.edge.persons import read_persons  # noqa: PLC0415  imports the Kafka client

    quiet_clients()
    settings = invocation(context).settings()
    found = asyncio.run(read_persons(settings.connection(), settings.topics()))
    for person in found:
        if json:
            result(msgspec.json.encode(person).decode())
            continue
        said = [
            f"{len(person.features)} feature{'s' if len(person.features) > 1 else ''}",
            *_distinct("consent", [f"{feature.consent} ({feature.consent_basis})" for feature in person.features]),
            *_distinct("model", [feature.model_version for feature in person.features]),
            *_distinct("key", [feature.key_id for feature in person.features]),
        ]
        result(f"{person.gallery}/{person.person_id}: {', '.join(said)}")
    say(f"{len(found)} enrolled")


def _distinct(name: str, values: Sequence[str | None]) -> list[str]:
    known = sorted({value for value in values if value is not None})
    return [f"{name} {' and '.join(known)}"] if known else []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def _carry_out(settings: Settings, requests: Sequence[tuple[str, "Command"]], timeout_s: float, no_wait: bool) -> None:
    quiet_clients()
    if not asyncio.run(_ask(settings, requests, timeout_s, no_wait)):
        raise typer.Exit(ExitCode.REFUSED)


async def _ask(settings: Settings, requests: Sequence[tuple[str, "Command"]], timeout_s: float, no_wait: bool) -> bool:
    """Send one after the other; whether every answer was yes."""
    from streams.edge.client import GalleryClient  # noqa: PLC0415  imports the Kafka client

    accepted = True
    async with GalleryClient(settings.connection(), settings.topics(), timeout_s=timeout_s) as client:
        for subject, command in requests:
            if no_wait:
                await client.submit(command)
                result(f"{subject}: sent as request {command.request_id}")
                continue
            answer = await client.ask(command)
            accepted = accepted and answer.accepted
            result(f"{subject}: {answer.code}" + (f" ({answer.detail})" if answer.detail else ""))
    return accepted
