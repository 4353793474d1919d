"""A gallery command's key and headers, read and admitted."""

from dataclasses import dataclass
from typing import Final

from streams.engine.request import Request
from streams.logs.running import Asked, Interface
from streams.wire import headers as wire_headers
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.feature_keys import FeatureKey
from streams.wire.headers import CommandHeaders, Deployment, RequestError
from streams.wire.topics import GALLERY_COMMANDS

ENROLL: Final = "enroll"
FORGET: Final = "forget"
DEFAULT_GALLERY: Final = "default"

_INTERFACES: Final[dict[str | None, Interface]] = {ENROLL: "enroll", FORGET: "forget"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that may be carried out."""

    person_id: str
    gallery: str
    headers: CommandHeaders
    event_id: EventId

    @property
    def request_id(self) -> str:
        """The sender's, or the event id where it gave none."""
        return self.headers.request_id or str(self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReader:
    """Reads the records of gallery-commands.

    epoch: of gallery-commands. gallery_names: the galleries of this account.
    """

    deployment: Deployment
    epoch: str
    gallery_names: frozenset[str]

    def read(self, request: Request) -> Command:
        """The command. Raises RequestError."""
        person_id = wire_headers.text(request.key or b"", "the key, the person's id,", Code.BAD_KEY)
        headers = wire_headers.command_headers(request.headers)
        self.deployment.admit(headers.caller)
        if headers.person_id not in (None, person_id):
            raise RequestError(Code.BAD_KEY, "the key and the header person_id disagree")
        gallery = headers.gallery or DEFAULT_GALLERY
        if gallery not in self.gallery_names:
            raise RequestError(Code.GALLERY_NOT_ALLOWED, "the account has no gallery of this name")
        try:
            FeatureKey(gallery, person_id).encode()
        except ValueError as error:
            raise RequestError(Code.BAD_KEY, "the person's id is too long once it is percent-encoded") from error
        return Command(person_id=person_id, gallery=gallery, headers=headers, event_id=self.event_id(request))

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
        return Asked(
            event_id=self.event_id(request),
            interface=_INTERFACES.get(headers.command, "unknown"),
            caller=headers.caller,
            requested_at_ms=request.timestamp_ms,
            gallery=headers.gallery or DEFAULT_GALLERY,
            person_id=person_id,
            request_id=headers.request_id,
        )
