"""`facestreams audit`."""

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.audit.asking import Question
    from streams.audit.finding import Finding

commands = typer.Typer()

NOT_OBSERVABLE: Final = 2
"""Of this command alone; of the others that code is a wrong command line, which here says so on stderr."""


@commands.command(
    epilog=examples(
        "facestreams audit",
        "facestreams audit --broker-data /var/lib/kafka/data --key-dir /srv/keys/acme",
        "facestreams audit --json | jq -r 'select(.verdict != \"held\") | .promise'",
    )
)
def audit(
    context: typer.Context,
    broker_data: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="A broker's log.dirs; without them pictures and deletion are not observable.",
        ),
    ] = None,
    key_dir: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="The account's keys; without them less is seen.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a promise and line.")] = False,
) -> None:
    """Look at a running system, and print each promise of the data policy with what was seen of it.

    Ends with 0 if all are held, 1 if one is broken, 2 if none is but not all could be seen. Reads as the role auditor
    and writes nothing.
    """
    from streams.audit.run import audit as run  # noqa: PLC0415  imports the Kafka client and the models

    quiet_clients()
    question = _question(invocation(context).settings(), key_dir)
    findings = asyncio.run(run(question, broker_data=broker_data or (), clock_ms=lambda: time.time_ns() // 1_000_000))
    for finding in findings:
        for line in _as_json(finding) if as_json else _as_text(finding):
            result(line)
    verdicts = {finding.verdict for finding in findings}
    if "broken" in verdicts:
        raise typer.Exit(ExitCode.REFUSED)
    if "not_observable" in verdicts:
        raise typer.Exit(NOT_OBSERVABLE)


def _question(settings: Settings, key_dir: Path | None) -> "Question":
    from models.gallery.keys import KeyDirectory  # noqa: PLC0415  imports cryptography
    from streams.audit.asking import Question  # noqa: PLC0415
    from streams.engine.brokers import BROKERS  # noqa: PLC0415

    directory = key_dir or settings.key_dir
    keys = KeyDirectory.open(directory) if key_dir is not None or directory.exists() else None
    if keys is None:
        say(f"no key directory at {directory}: what is sealed stays closed")
    return Question(
        connection=settings.connection(),
        topics=settings.topics(),
        account=settings.account,
        region=settings.region,
        replication=settings.replication,
        broker=BROKERS[settings.broker],
        keys=keys,
    )


def _as_text(finding: "Finding") -> list[str]:
    from streams.audit.finding import IN_WORDS  # noqa: PLC0415

    bound = "" if finding.bound_s is None else f" (within {finding.bound_s:g} s)"
    return [
        f"{finding.promise.value}. {finding.promise.title}{bound}: {IN_WORDS[finding.verdict]}",
        *(f"   broken: {text}" for text in finding.breaches),
        *(f"   seen: {text}" for text in finding.evidence),
        *(f"   not seen: {text}" for text in finding.unseen),
    ]


def _as_json(finding: "Finding") -> list[str]:
    return [
        json.dumps(
            {
                "promise": finding.promise.value,
                "title": finding.promise.title,
                "verdict": finding.verdict,
                "bound_s": finding.bound_s,
                "breaches": finding.breaches,
                "evidence": finding.evidence,
                "unseen": finding.unseen,
            }
        )
    ]
