"""`facestreams keys new`, `keys list` and `keys revoke`."""

import asyncio
import base64
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.edge.errors import BrokerRefusedError, BrokerUnreachableError, TopicMissingError
from streams.settings import Settings

if TYPE_CHECKING:
    from models.gallery.keys import KeyInfo, Kind
    from streams.wire.records import Erasure

T = TypeVar("T")

commands = typer.Typer(no_args_is_help=True, help="The account's keys: what features are made and sealed with.")

RESTS: Final = {"template": "features", "account": "persons"}

LOST: Final = {
    "template": "the features that it made are matched no more: their persons must be enrolled again",
    "account": "the persons whose keys it wrapped are unreadable for ever, in the running log too, and must be "
    "enrolled again; pseudonyms of theirs in receipts can no longer be compared",
    "signing": "it signs no more; its public half is kept, so that the receipts it has signed still verify",
}


@commands.command(
    epilog=examples(
        "facestreams keys new",
        "facestreams --account acme --key-dir /srv/keys/acme keys new",
        "facestreams keys new --kind template",
    )
)
def new(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Option(help="One more key, to an existing directory: template, account or signing.")
    ] = None,
) -> None:
    """Draw the keys of a new account into its key directory, which must not exist; or one more key, the active one.

    Copy the directory to every worker of the account and to a safe place: without it nothing that is
    enrolled can be read again, and everybody must be enrolled anew. Workers open it when they start.
    """
    from models.gallery import key_files  # noqa: PLC0415  imports cryptography
    from models.gallery.keys import KeyDirectory  # noqa: PLC0415

    directory = invocation(context).settings().key_dir
    if kind is not None:
        result(f"{kind} key {key_files.add(directory, _kind(kind))} in {directory}")
        say("copy it to every worker and to the safe place, then restart the workers")
        return
    for key in KeyDirectory.create(directory).list_keys():
        result(f"{key.kind} key {key.id} in {directory}")


@commands.command("list", epilog=examples("facestreams keys list", "facestreams keys list --offline"))
def list_(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the broker what rests on each key.")] = False,
) -> None:
    """Show which keys there are, since when, and what rests on each; never the keys themselves.

    Of a signing key the public half is shown, for those who verify receipts elsewhere.
    """
    from models.gallery.keys import KeyDirectory  # noqa: PLC0415  imports cryptography

    settings = invocation(context).settings()
    keys = KeyDirectory.open(settings.key_dir)
    resting = None if offline else _resting(settings)
    listed = keys.list_keys()
    for key in listed:
        result(_line(key, resting))
    known = {key.id for key in listed}
    for key_id, public in keys.verify_keys().items():
        if key_id not in known:
            result(f"{key_id}  signing   revoked, verifies what it signed  {_shown(public)}")
    for key_id, count in sorted((resting or Counter()).items()):
        if key_id not in known:
            result(f"{key_id or 'no key'}  not in the key directory  {count} can be read by nobody here")


@commands.command(epilog=examples("facestreams keys revoke tk-1a2b3c4d", "facestreams keys revoke ak-1a2b3c4d --yes"))
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Also where something rests on it, or nobody can tell.")] = False,
) -> None:
    """Remove a key from this directory. Remove it from every worker and every copy too, then restart the workers.

    The last key of a kind stays: draw another first. Where the active key is removed, the one before it is active.
    An account key stays, with --yes as well, while a deletion is under way that names its person under it.
    """
    from models.gallery.keys import KeyDirectory  # noqa: PLC0415  imports cryptography

    settings = invocation(context).settings()
    keys = KeyDirectory.open(settings.key_dir)
    kind = next((key.kind for key in keys.list_keys() if key.id == key_id), None)
    if kind in RESTS and (reason := _why_not(settings, key_id, kind, yes=yes)) is not None:
        say(f"{key_id} is not revoked: {reason}")
        raise typer.Exit(ExitCode.REFUSED)
    keys.revoke(key_id)
    result(f"{key_id} revoked in {keys.path}: {LOST[kind or '']}")
    say("remove it from every worker and every copy as well, then restart the workers")


def _kind(text: str) -> "Kind":
    from models.gallery.keys import KINDS  # noqa: PLC0415  imports cryptography

    for kind in KINDS:
        if kind == text:
            return kind
    raise typer.BadParameter(f"expected {', '.join(KINDS)}, found {text}", param_hint="--kind")


def _why_not(settings: Settings, key_id: str, kind: str, *, yes: bool) -> str | None:
    """What the key is needed for; None: nothing that `yes` does not give up."""
    unfinished = _unfinished(settings) if kind == "account" else ()
    if needing := [each.request_id for each in unfinished or () if each.key_id == key_id]:
        return (
            f"{len(needing)} deletions under way name their persons under it, and never end without it:"
            f" {', '.join(needing)}. Wait until each is complete (facestreams receipt show {needing[0]} --wait), or"
            " delete the account (facestreams forget --whole-account)"
        )
    if yes:
        return None
    resting = None if unfinished is None else _resting(settings)
    if resting is None:
        return f"nobody can tell what rests on it. With --yes, {LOST[kind]}"
    return f"{resting[key_id]} {RESTS[kind]} rest on it. With --yes, {LOST[kind]}" if resting[key_id] else None


def _resting(settings: Settings) -> Counter[str] | None:
    """What rests on each key; None, and a word on it, where the broker does not tell."""
    from models.gallery.keys import wrapping_key_id  # noqa: PLC0415  imports cryptography
    from streams.edge.persons import read_features  # noqa: PLC0415  imports the Kafka client
    from streams.edge.resting import Resting  # noqa: PLC0415
    from streams.engine.brokers import BROKERS  # noqa: PLC0415
    from streams.wire.topics import FACE_FEATURES  # noqa: PLC0415

    exact_ends = BROKERS[settings.broker].exact_ends
    counted = Resting(wrapping_key_id, settings.topics().spec(FACE_FEATURES).partitions)
    reading = read_features(settings.connection(), settings.topics(), counted, exact_ends=exact_ends)
    resting = _read(reading, "what rests on each key")
    return None if resting is None else resting.counts()


def _unfinished(settings: Settings) -> "Sequence[Erasure] | None":
    """The deletions that are under way; None, and a word on it, where the broker does not tell."""
    from streams.agents.erasure.pending import PendingErasures  # noqa: PLC0415
    from streams.edge.through import read_through  # noqa: PLC0415  imports the Kafka client
    from streams.engine.brokers import BROKERS  # noqa: PLC0415
    from streams.wire.rights import Role  # noqa: PLC0415
    from streams.wire.topics import ERASURES  # noqa: PLC0415

    pending = PendingErasures(lambda erasure: None, partitions=None)

    def take(record: Any) -> None:
        with suppress(ValueError):  # no worker drives one that it cannot read
            pending.apply(record)

    async def read() -> "Sequence[Erasure]":
        of, exact_ends = settings.connection(), BROKERS[settings.broker].exact_ends
        await read_through(of, settings.topics(), ERASURES, take, role=Role.GALLERY_ADMIN, exact_ends=exact_ends)
        return pending.all()

    return _read(read(), "which deletions need the key")


def _read(reading: Coroutine[Any, Any, T], what: str) -> T | None:
    quiet_clients()
    try:
        return asyncio.run(reading)
    except (BrokerUnreachableError, BrokerRefusedError, TopicMissingError) as error:
        say(f"{what} is not known: {error}")
        return None


def _line(key: "KeyInfo", resting: Counter[str] | None) -> str:
    created = datetime.fromtimestamp(key.created_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    said = [key.id, f"{key.kind:8}", created, "active" if key.active else "kept for what it made"]
    if resting is not None and key.kind in RESTS:
        said.append(f"{resting[key.id]} {RESTS[key.kind]}")
    if key.public is not None:
        said.append(_shown(key.public))
    return "  ".join(said)


def _shown(public: bytes) -> str:
    return f"public {base64.b64encode(public).decode('ascii')}"
