"""What a request gave, as the error log may keep it: no picture, and nobody's person id."""

from collections.abc import Callable, Collection
from typing import Final

from models.errors import PictureError
from models.vision.containers import read_header
from streams.engine.request import Request
from streams.logs.error import WITHHELD
from streams.wire import headers as wire_headers
from streams.wire.records import InputSummary
from streams.wire.topics import CAMERA_FRAMES

PARAMETERS: Final = (
    "command",
    "gallery",
    "frame_id",
    "captured_at_ms",
    "request_id",
    "consent_basis",
    "account",
    "region",
)
"""The headers whose values are kept.

person_id is not, nor what may describe the person: the consent's reference, the user's address. The user's own names
stand in fields of their own.
"""


def summary(request: Request, named: Collection[str], is_person: Callable[[str], bool]) -> InputSummary:
    """The request's input without its picture. named: as `persons_named` gives them. is_person: as the journal's."""
    value = request.value or b""
    try:
        header = read_header(value)
    except PictureError:
        header = None
    return InputSummary(
        value_bytes=len(value),
        media_type=None if header is None else header.media_type,
        width_px=None if header is None else header.width_px,
        height_px=None if header is None else header.height_px,
        headers=sorted({name for name, _ in request.headers if name in wire_headers.KNOWN}),
        other_headers=sum(name not in wire_headers.KNOWN for name, _ in request.headers),
        parameters={
            name: WITHHELD if is_person(value) or any(each in value for each in named) else value
            for name, value in wire_headers.readable(request.headers, PARAMETERS).items()
        },
    )


def persons_named(request: Request, topic: str) -> set[str]:
    """Whom the request names: by a command's key, and by the headers for it, which may disagree.

    topic: the short name of the topic that it came from.
    """
    raw = [value or b"" for name, value in request.headers if name == "person_id"]
    if topic != CAMERA_FRAMES:
        raw.append(request.key or b"")
    return {each.decode(errors="replace") for each in raw if each}
