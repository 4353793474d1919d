"""`facestreams log`."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.cli.stopping import until_stop_requested
from streams.cli.times import at_ms
from streams.settings import Settings
from streams.wire.records.logs import RequestInterface

if TYPE_CHECKING:
    from streams.agents.opened_log import OpenedEntry, Opener
    from streams.edge.persons import OpenKey
    from streams.wire.records import RunningLogEntry

commands = typer.Typer()

MOST_IN_VAIN: Final = 10_000
"""Locators that no key was found for, the latest; there are new ones every day."""

CLOCKS_MS: Final = 60_000
"""An entry that was written this long before the keys were read is older than they are, whatever the clocks say."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are shown; None: whatever it is."""

    from_ms: int | None
    to_ms: int | None
    interface: str | None
    person_id: str | None

    def admits(self, entry: "RunningLogEntry") -> bool:
        """By what stands in the open."""
        after = self.from_ms is None or entry.requested_at_ms >= self.from_ms
        before = self.to_ms is None or entry.requested_at_ms < self.to_ms
        return after and before and self.interface in (None, entry.request_interface)

    def names(self, opened: "OpenedEntry") -> bool:
        """By whom it is about."""
        return self.person_id is None or any(person.person_id == self.person_id for person in opened.persons)


@commands.command(
    epilog=examples(
        "facestreams log --from 2026-11-01 --to 2026-11-02 --interface enroll",
        "facestreams log --person ada | jq .camera_id",
        "facestreams log --follow",
    )
)
def log(
    context: typer.Context,
    from_: Annotated[str | None, typer.Option("--from", help="First day or moment, as 2026-11-01; UTC.")] = None,
    to: Annotated[str | None, typer.Option(help="First day or moment that is left out again; UTC.")] = None,
    interface: Annotated[RequestInterface | None, typer.Option(help="Requests of this kind alone.")] = None,
    person: Annotated[str | None, typer.Option(help="Requests that name this person alone.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Print what is there, then what is written from now on.")
    ] = False,
) -> None:
    """Print the running log as JSON, one entry a line, with the persons in it; needs the key directory.

    `erased` counts the persons whose keys are gone: nobody can read who they were. A request that was delivered
    again may be there twice until the broker has compacted the log; the last one counts.
    """
    if follow and to is not None:
        raise typer.BadParameter("expected none with --follow, which ends when it is told to", param_hint="--to")
    quiet_clients()
    wanted = Wanted(
        from_ms=None if from_ is None else at_ms(from_, "--from"),
        to_ms=None if to is None else at_ms(to, "--to"),
        interface=interface,
        person_id=person,
    )
    unreadable = asyncio.run(_show(invocation(context).settings(), wanted, follow))
    if unreadable:
        say(f"{unreadable} records of running-log cannot be read")
        raise typer.Exit(ExitCode.REFUSED)


async def _show(settings: Settings, wanted: Wanted, follow: bool) -> int:
    """How many records are no entries."""
    from models.gallery.keys import KeyDirectory  # noqa: PLC0415  imports cryptography
    from streams.cli.opening import opener  # noqa: PLC0415

    keyring = _Keyring(settings, opener(KeyDirectory.open(settings.key_dir)))
    await keyring.read()
    shown = _Shown(wanted, keyring)
    if follow:
        await until_stop_requested(_follow(settings, shown))
    else:
        await _read_through(settings, lambda record: shown.take(record.value))
    return shown.unreadable


async def _read_through(settings: Settings, take: Callable[[Any], object]) -> None:
    from streams.edge.through import read_through  # noqa: PLC0415  imports the Kafka client
    from streams.engine.brokers import BROKERS  # noqa: PLC0415
    from streams.wire.rights import Role  # noqa: PLC0415
    from streams.wire.topics import RUNNING_LOG  # noqa: PLC0415

    await read_through(
        settings.connection(),
        settings.topics(),
        RUNNING_LOG,
        take,
        role=Role.AUDITOR,
        exact_ends=BROKERS[settings.broker].exact_ends,
    )


async def _follow(settings: Settings, shown: "_Shown") -> None:
    from streams.edge.broker import reaching, require_topics, started_consumer  # noqa: PLC0415  the Kafka client
    from streams.wire.rights import Role  # noqa: PLC0415
    from streams.wire.topics import RUNNING_LOG  # noqa: PLC0415

    connection, topics = settings.connection(), settings.topics()
    await require_topics(connection, topics, Role.AUDITOR, RUNNING_LOG)
    consumer = await started_consumer(connection, topics.name(RUNNING_LOG), from_beginning=True)
    try:
        with reaching(connection):
            async for record in consumer:
                await shown.take_live(record.value)
    finally:
        await consumer.stop()


@dataclass(slots=True)
class _Keyring:
    """The keys of who is enrolled, as of when they were read last."""

    settings: Settings
    open_key: "OpenKey"
    opener: "Opener" = field(init=False)
    _read_at_ms: int = 0
    _in_vain: dict[str, None] = field(default_factory=dict)

    async def read(self) -> None:
        from streams.agents.opened_log import Opener  # noqa: PLC0415  imports cryptography
        from streams.edge.persons import read_persons  # noqa: PLC0415  imports the Kafka client
        from streams.engine.brokers import BROKERS  # noqa: PLC0415
        from streams.wire.rights import Role  # noqa: PLC0415

        self._read_at_ms = time.time_ns() // 1_000_000
        persons = await read_persons(
            self.settings.connection(),
            self.settings.topics(),
            self.open_key,
            exact_ends=BROKERS[self.settings.broker].exact_ends,
            role=Role.AUDITOR,
        )
        self.opener = Opener(persons.data_keys())

    async def read_for(self, entry: "RunningLogEntry") -> None:
        """Read once more, if that may bring a key for an entry that did not open: it names who is newer than ours."""
        unknown = {person.locator for person in entry.persons} - self._in_vain.keys()
        if unknown and entry.accessed_at_ms > self._read_at_ms - CLOCKS_MS:
            self._in_vain = dict(list((self._in_vain | dict.fromkeys(unknown)).items())[-MOST_IN_VAIN:])
            await self.read()


@dataclass(slots=True)
class _Shown:
    """Entries on their way to the output."""

    wanted: Wanted
    keyring: _Keyring
    unreadable: int = 0

    def take(self, value: bytes | None) -> None:
        """A record as it stands in the log."""
        entry = self._admitted(value)
        if entry is not None:
            self._show(self.keyring.opener.open(entry))

    async def take_live(self, value: bytes | None) -> None:
        """A record as it comes: whom it names may have been enrolled since the keys were read."""
        entry = self._admitted(value)
        if entry is None:
            return
        opened = self.keyring.opener.open(entry)
        if opened.erased:
            await self.keyring.read_for(entry)
            opened = self.keyring.opener.open(entry)
        self._show(opened)

    def _admitted(self, value: bytes | None) -> "RunningLogEntry | None":
        from streams.wire.records import RunningLogEntry, decode  # noqa: PLC0415

        if not value:
            return None
        try:
            entry = decode(value, RunningLogEntry)
        except ValueError:
            self.unreadable += 1
            return None
        return entry if self.wanted.admits(entry) else None

    def _show(self, opened: "OpenedEntry") -> None:
        import msgspec  # noqa: PLC0415

        if self.wanted.names(opened):
            result(msgspec.json.encode(opened).decode())
