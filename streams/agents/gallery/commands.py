"""A gallery command's key and headers, read and admitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.engine.request import Request
from streams.logs.running import Asked
from streams.wire import headers as wire_headers
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.headers import CommandHeaders, Deployment, RequestError
from streams.wire.records import ErasureScope
from streams.wire.records.logs import RequestInterface
from streams.wire.topics import GALLERY_COMMANDS

ENROLL: Final = "enroll"
FORGET: Final = "forget"
FORGET_GALLERY: Final = "forget_gallery"
FORGET_ACCOUNT: Final = "forget_account"
COMMANDS: Final = (ENROLL, FORGET, FORGET_GALLERY, FORGET_ACCOUNT)
DEFAULT_GALLERY: Final = "default"

SCOPES: Final[Mapping[str | None, ErasureScope]] = {
    FORGET: "person",
    FORGET_GALLERY: "gallery",
    FORGET_ACCOUNT: "account",
}
"""What a command to forget is about."""

_INTERFACES: Final[Mapping[str | None, RequestInterface]] = {ENROLL: "enroll", **dict.fromkeys(SCOPES, "forget")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that may be carried out."""

    headers: CommandHeaders
    event_id: EventId

    @property
    def request_id(self) -> str:
        """The sender's, or the event id where it gave none."""
        return self.headers.request_id or str(self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroll(Command):
    """A person is to be known in one gallery."""

    person_id: str
    gallery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Command):
    """person_id: None where it is about a gallery or the account. gallery: None for every gallery of the account."""

    scope: ErasureScope
    person_id: str | None
    gallery: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReader:
    """Reads the records of gallery-commands.

    epoch: of gallery-commands. gallery_names: the galleries in which one may be enrolled.
    """

    deployment: Deployment
    epoch: str
    gallery_names: frozenset[str]

    def read(self, request: Request) -> Enroll | Forget:
        """The command. Raises RequestError. Whether there is anything of what is to be forgotten, others know."""
        key = wire_headers.text(request.key or b"", "the key", Code.BAD_KEY)
        headers = wire_headers.command_headers(request.headers)
        self.deployment.admit(headers.caller)
        scope = SCOPES.get(headers.command, "person")
        gallery = _gallery_meant(headers, key)
        self._check_key(key, scope, gallery, headers)
        event_id = self.event_id(request)
        if headers.command in SCOPES:
            person_id = key if scope == "person" else None
            return Forget(scope=scope, person_id=person_id, gallery=gallery, headers=headers, event_id=event_id)
        if headers.command != ENROLL:
            raise RequestError(Code.UNKNOWN_COMMAND, f"the header command is none of {', '.join(COMMANDS)}")
        if gallery not in self.gallery_names:
            raise no_such_gallery()
        return Enroll(person_id=key, gallery=gallery, headers=headers, event_id=event_id)

    def _check_key(self, key: str, scope: ErasureScope, gallery: str | None, headers: CommandHeaders) -> None:
        """The key says once more what is to be forgotten: a slip in a header must not erase a gallery."""
        if scope == "gallery" and key != gallery:
            raise RequestError(Code.BAD_KEY, "the key of forget_gallery is not the gallery's name")
        if scope == "account" and key != self.deployment.account:
            raise RequestError(Code.BAD_KEY, "the key of forget_account is not the account's name")
        if scope == "person" and headers.person_id not in (None, key):
            raise RequestError(Code.BAD_KEY, "the key and the header person_id disagree")

    def event_id(self, request: Request) -> EventId:
        """The command's event id."""
        return EventId(self.epoch, GALLERY_COMMANDS, request.partition, request.offset)

    def asked(self, request: Request) -> Asked:
        """What can be said of the request, whatever is wrong with it."""
        headers = wire_headers.readable_command_headers(request.headers)
        try:
            person_id = wire_headers.text(request.key or b"", "the key", Code.BAD_KEY)
        except RequestError:
            person_id = None
        scope = SCOPES.get(headers.command, "person")
        return Asked(
            event_id=self.event_id(request),
            interface=_INTERFACES.get(headers.command, "unknown"),
            caller=headers.caller,
            requested_at_ms=request.timestamp_ms,
            gallery=_gallery_meant(headers, person_id),
            person_id=person_id if scope == "person" else None,
            request_id=headers.request_id,
        )


def no_such_gallery() -> RequestError:
    """The refusal of a gallery's name."""
    return RequestError(Code.GALLERY_NOT_ALLOWED, "the account has no gallery of this name")


def _gallery_meant(headers: CommandHeaders, key: str | None) -> str | None:
    """None for every gallery of the account."""
    if headers.command == FORGET_ACCOUNT:
        return None
    if headers.command == FORGET:
        return headers.gallery
    return headers.gallery or (key if headers.command == FORGET_GALLERY else DEFAULT_GALLERY)
