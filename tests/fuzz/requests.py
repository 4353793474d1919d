"""Requests with strange keys, headers and ids, kind by kind; and any picture as a request."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from streams.wire.topics import CAMERA_FRAMES, FILLER_KEY, GALLERY_COMMANDS
from tests.fuzz.pictures import MIB, PICTURES
from tests.fuzz.samples import good_frame, small_frame

Headers = tuple[tuple[bytes, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Input:
    """One record for a topic. topic: its short name. headers: names and values, as bytes that need be no text."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


Maker = Callable[[Random], Input]

CAMERAS: Final = 8

SEPARATORS: Final = (
    b"a/b",
    b"a%2Fb",
    b"a",
    b"/",
    b"//",
    b"a/",
    b"/a",
    b"a/b/c",
    b"%",
    b"%2F",
    b"a b",
    b"a+b",
    b"~",
    b"..",
)
LETTERS: Final = ("é", "ﬁ", "Å", "한국", "ẛ̣", "𐍈da", "أدا", "👩‍🚀", "İ", "ß")
FORMS: Final[tuple[str, ...]] = ("NFC", "NFD", "NFKC", "NFKD")


def name(random: Random) -> bytes:
    """An id: any Unicode in any normalisation form, separators, paths, control characters, or no text at all."""
    letters = "".join(
        chr(random.choice((random.randrange(0xD800), random.randrange(0xE000, 0x110000)))) for _ in range(6)
    )
    return random.choice(
        (
            lambda: random.choice(SEPARATORS),
            lambda: unicodedata.normalize(random.choice(FORMS), random.choice(LETTERS)).encode(),
            letters.encode,
            lambda: random.choice((b"../../etc/passwd", b"C:\\nul", b"'; drop table", b"${jndi}", b"{{7*7}}", b"<b>")),
            lambda: random.choice(
                (b"a\0b", b"a\nb", b"\x1b[2J", b"\xe2\x80\xae", b"\xef\xbb\xbfada", b"a\tb", b"\x7f")
            ),
            lambda: random.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ada\xff")),
            lambda: random.choice(("ä" * 128, "ä" * 129, "𐍈" * 64, "%" * 256)).encode(),
            lambda: b"x" * random.choice((255, 256, 257, 10_000, MIB)),
            lambda: random.choice((b"", FILLER_KEY, b"None", b"0", b"-1", b"_none", b"_other")),
        )
    )()


def strange_key(random: Random) -> Input:
    """Camera ids; no key at all. The reserved key always has a value: without one it is nobody's request."""
    key = random.choice((None, name(random), name(random)))
    return Input(CAMERA_FRAMES, key, small_frame(1) if key == FILLER_KEY else random.choice((small_frame(1), b"")))


KNOWN_HEADERS: Final = (
    b"frame_id",
    b"captured_at_ms",
    b"gallery",
    b"account",
    b"uin",
    b"sub_uin",
    b"request_ip",
    b"region",
)
NUMBERS: Final = (
    b"0",
    b"-1",
    b"1e3",
    b"0x10",
    b"999999999999999",
    b"9" * 16,
    b"9" * 5_000,
    "٣".encode(),
    b" 1",
    b"nan",
)


def strange_headers(random: Random) -> Input:
    """Wrong, huge, doubled, countless, without a value, with names of any bytes."""
    known = random.choice(KNOWN_HEADERS)
    headers: Headers = random.choice(
        (
            lambda: ((known, name(random)),),
            lambda: ((known, None),),
            lambda: ((known, b"main"), (known, b"main")),
            lambda: ((b"captured_at_ms", random.choice(NUMBERS)),),
            lambda: ((known, random.randbytes(random.choice((1, 8, 300, MIB)))),),
            lambda: ((random.randbytes(random.choice((1, 2, 9, 70_000))), b"x"), (b"frame_id", b"f")),
            lambda: ((name(random), None), (b"\xff\xfe", b"\xff\xfe")),
            lambda: ((random.choice((b"traceparent", b"\xff")), None),) * random.choice((99, 101, 10_000, 100_000)),
            lambda: tuple((each, b"main" if each == b"account" else b"1") for each in KNOWN_HEADERS),
        )
    )()
    return Input(CAMERA_FRAMES, camera(random), small_frame(2), headers)


COMMANDS: Final = (b"enroll", b"forget", b"Enroll", b"delete", b"", b"\xff", None)


def strange_command(random: Random) -> Input:
    """Commands that are none, without consent, for galleries that do not exist, with pictures that are none."""
    headers = (
        (b"command", random.choice(COMMANDS)),
        (b"consent", random.choice((b"form-7", b"", name(random)))),
        (b"consent_basis", random.choice((b"of_age", b"guardian", b"none", b"\xff"))),
        (random.choice((b"gallery", b"request_id", b"person_id", b"uin", b"\xff", b"account")), name(random)),
    )
    some = tuple(header for header in headers if random.random() < 0.8)
    picture = random.choice((b"", None, small_frame(3), PICTURES["truncated"](random)))
    key = random.choice((None, b"ada", name(random))) if picture is not None else b"ada"  # one of both there must be
    return Input(GALLERY_COMMANDS, key, picture, some)


def strange_person(random: Random) -> Input:
    """A command in order, for somebody of any id: nobody is to be seen in the picture, or nobody is enrolled."""
    command, picture = random.choice(((b"enroll", small_frame(4)), (b"enroll", good_frame()[:-9]), (b"forget", b"")))
    headers = ((b"command", command), (b"consent", b"form-7"), (b"consent_basis", b"of_age"))
    person = name(random)
    also = random.choice(((), (), ((b"person_id", person),), ((b"gallery", b"vip"),)))
    return Input(GALLERY_COMMANDS, person, picture, (*headers, *also))


def camera(random: Random) -> bytes:
    """One of a few."""
    return b"camera-%d" % random.randrange(CAMERAS)


def pictured(kind: str) -> Maker:
    """Pictures of this kind, now and then to be enrolled."""

    def make(random: Random) -> Input:
        picture = PICTURES[kind](random)
        if random.random() < 0.9:
            return Input(CAMERA_FRAMES, camera(random), picture)
        headers = ((b"command", b"enroll"), (b"consent", b"form-7"), (b"consent_basis", b"of_age"))
        return Input(GALLERY_COMMANDS, b"mallory", picture, headers)

    return make


REQUESTS: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        **{kind: pictured(kind) for kind in PICTURES},
        "keys": strange_key,
        "headers": strange_headers,
        "commands": strange_command,
        "person ids": strange_person,
    }
)
"""By kind."""


def new_camera(number: int) -> Input:
    """A camera that nobody has seen before."""
    return Input(CAMERA_FRAMES, b"new-camera-%d" % number, small_frame(5))
