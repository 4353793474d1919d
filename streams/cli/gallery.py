"""`facestreams enroll` and `persons`."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.asking import Gallery, NoWait, PersonId, Timeout, carry_out
from streams.cli.enroll_again import show_whom_to_enroll_again
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.edge.errors import SourceError
from streams.wire.headers import ConsentBasis

if TYPE_CHECKING:
    from streams.edge.persons import Person

commands = typer.Typer()


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
    carry_out(invocation(context).settings(), requests, timeout, no_wait)


@commands.command(
    epilog=examples(
        "facestreams persons", "facestreams persons --json | jq .person_id", "facestreams persons --enroll-again"
    )
)
def persons(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a person and line.")] = False,
    enroll_again: Annotated[
        bool,
        typer.Option("--enroll-again", help="Only those whom the workers cannot match with every feature, and why."),
    ] = False,
) -> None:
    """List who is enrolled, with consent, model and key. Names are read with the account's key directory."""
    import msgspec  # noqa: PLC0415

    from models.gallery.keys import KeyDirectory  # noqa: PLC0415  imports cryptography
    from streams.cli.opening import opener  # noqa: PLC0415
    from streams.edge.persons import read_persons  # noqa: PLC0415  imports the Kafka client
    from streams.engine.brokers import BROKERS  # noqa: PLC0415

    quiet_clients()
    settings = invocation(context).settings()
    keys = KeyDirectory.open(settings.key_dir)
    exact_ends = BROKERS[settings.broker].exact_ends
    reading = read_persons(settings.connection(), settings.topics(), opener(keys), exact_ends=exact_ends)
    stored = asyncio.run(reading)
    if stored.passed_over:
        say(
            f"{stored.passed_over} records of face-features are passed over, by the workers too: their key is none of"
            " ours, or names another partition. Who is enrolled by these alone cannot be matched: enroll them again"
        )
    found = stored.enrolled()
    if enroll_again:
        show_whom_to_enroll_again(settings, keys, found, as_json=json)
        return
    for person in found:
        if json:
            result(msgspec.json.encode(person).decode())
            continue
        name = person.person_id or f"{person.reference} (its key record is missing or does not open)"
        result(f"{person.gallery}/{name}: {', '.join(_said(person))}")
    say(f"{len(found)} enrolled")


def _said(person: "Person") -> Iterator[str]:
    """How many features there are, and what is stated of those that open: of the others it may be anybody's word."""
    yield f"{len(person.features)} feature{'s' if len(person.features) > 1 else ''}"
    opening = [each for each in person.features if each.opens]
    if person.person_id is not None and len(opening) < len(person.features):
        yield f"{len(person.features) - len(opening)} of them altered"
    yield from _distinct("consent", [f"{each.consent} ({each.consent_basis})" for each in opening if each.consent])
    yield from _distinct("model", [each.model_version for each in opening])
    yield from _distinct("key", [each.key_id for each in opening])


def _distinct(name: str, values: Sequence[str | None]) -> list[str]:
    known = sorted({value for value in values if value is not None})
    return [f"{name} {' and '.join(known)}"] if known else []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
