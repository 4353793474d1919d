"""Headers of the two input topics. Values are UTF-8, numbers are ASCII decimals, every one is optional
unless a command needs it. Names that we do not know are ignored: producers and tracing add their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from streams.wire.codes import Code
from streams.wire.topics import ERASURE_KEY, FILLER_KEY

MAX_HEADER_BYTES: Final = 256
"""Longest value of a header, longest key: ids are names, not documents."""

RESERVED: Final = frozenset({FILLER_KEY, ERASURE_KEY})
"""Ids that are nobody's."""

MAX_HEADERS: Final = 100
"""Of one record, whatever they are called; tracing adds a handful."""

Headers = Iterable[tuple[str, bytes | None]]

ConsentBasis = Literal["of_age", "guardian"]
"""On what a consent rests: the person is of age, or a guardian consented."""

CONSENT_BASES: Final[tuple[ConsentBasis, ...]] = get_args(ConsentBasis)


def states_consent(consent: str | None, basis: str | None) -> bool:
    """Whether these two headers say that a person has consented: a reference that is not blank, and what it rests on.

    Without both nothing is enrolled, and nothing that was stored is matched.
    """
    return bool(consent and consent.strip()) and basis in CONSENT_BASES


class RequestError(Exception):
    """A request that is refused for its key or headers, or for whom they name.

    detail names the header and the rule, never the value: it may hold what must not be logged.
    """

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, by the sender's own word; None where a header is absent."""

    account: str | None = None
    uin: str | None = None
    sub_uin: str | None = None
    request_ip: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Whom and where this worker serves. A request that names another is refused, never believed."""

    account: str
    app_id: str
    region: str

    def admit(self, caller: Caller) -> None:
        """Raise RequestError unless the caller names this account and region, or none."""
        if caller.account not in (None, self.account):
            raise RequestError(Code.WRONG_ACCOUNT, "the header account names another account than the topic's")
        if caller.region not in (None, self.region):
            raise RequestError(Code.WRONG_REGION, f"the header region names another region than {self.region}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeaders:
    """Headers of a camera-frames record."""

    caller: Caller
    frame_id: str | None = None
    captured_at_ms: int | None = None
    gallery: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHeaders:
    """Headers of a gallery-commands record."""

    caller: Caller
    command: str | None = None
    person_id: str | None = None
    gallery: str | None = None
    consent: str | None = None
    consent_basis: str | None = None
    request_id: str | None = None


def text(raw: bytes | None, name: str, code: Code = Code.BAD_HEADER) -> str:
    """`raw` as text.

    Raises RequestError(code) if it is empty, too long, reserved, not UTF-8 or has control characters.
    """
    if not raw:
        raise RequestError(code, f"{name} is empty")
    if len(raw) > MAX_HEADER_BYTES:
        raise RequestError(code, f"{name} has {len(raw)} bytes, more than {MAX_HEADER_BYTES}")
    if raw in RESERVED:  # what bears it as its key is skipped by every reader, or stands behind a deletion
        raise RequestError(code, f"{name} is a reserved word")
    try:
        value = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(code, f"{name} is not UTF-8") from error
    if not value.isprintable():
        raise RequestError(code, f"{name} has characters that cannot be printed")
    return value


def number(text: str) -> int | None:
    """A decimal number of up to fifteen ASCII digits; None if the text is another."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _not_too_many(headers: Headers) -> tuple[tuple[str, bytes | None], ...]:
    given = tuple(headers)
    if len(given) > MAX_HEADERS:
        raise RequestError(Code.BAD_HEADER, f"more than {MAX_HEADERS} headers")
    return given


def _known(headers: Headers, names: Iterable[str]) -> dict[str, str]:
    wanted = set(names)
    found: dict[str, str] = {}
    for name, raw in headers:
        if name not in wanted:
            continue
        if name in found:
            raise RequestError(Code.BAD_HEADER, f"{name} is given twice")
        found[name] = text(raw, name)
    return found


def readable(headers: Headers, names: Iterable[str]) -> dict[str, str]:
    """Those of the named headers that can be read, whatever is wrong with the others."""
    headers = tuple(headers)
    found: dict[str, str] = {}
    for name in names:
        try:
            found |= _known(headers, (name,))
        except RequestError:
            continue
    return found


_CALLER: Final = ("account", "uin", "sub_uin", "request_ip", "region")
_COMMAND: Final = ("command", "person_id", "gallery", "consent", "consent_basis", "request_id")
_FRAME: Final = ("frame_id", "captured_at_ms", "gallery")

KNOWN: Final = frozenset((*_CALLER, *_COMMAND, *_FRAME))
"""All names that mean something to us, on one of the two topics."""


def caller(headers: Headers) -> Caller:
    """Who asks. Raises RequestError."""
    return Caller(**_known(headers, _CALLER))


def readable_caller(headers: Headers) -> Caller:
    """Who asks, as far as that can be read: for the logs of a request that is refused for a header."""
    return Caller(**readable(headers, _CALLER))


def readable_command_headers(headers: Headers) -> CommandHeaders:
    """The headers of a gallery command as far as they can be read."""
    headers = tuple(headers)
    return CommandHeaders(caller=readable_caller(headers), **readable(headers, _COMMAND))


def frame_headers(headers: Headers) -> FrameHeaders:
    """The headers of a frame. Raises RequestError."""
    headers = _not_too_many(headers)
    found = _known(headers, _FRAME)
    captured = found.get("captured_at_ms")
    captured_at_ms = None if captured is None else number(captured)
    if captured is not None and captured_at_ms is None:
        raise RequestError(Code.BAD_HEADER, "captured_at_ms is no decimal number of milliseconds")
    return FrameHeaders(
        caller=caller(headers),
        frame_id=found.get("frame_id"),
        captured_at_ms=captured_at_ms,
        gallery=found.get("gallery"),
    )


def command_headers(headers: Headers) -> CommandHeaders:
    """The headers of a gallery command. Raises RequestError."""
    headers = _not_too_many(headers)
    return CommandHeaders(caller=caller(headers), **_known(headers, _COMMAND))
