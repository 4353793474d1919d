"""A frame's key and headers, read, admitted or refused."""

import pytest

from streams.agents.cameras.frames import Frame, FrameReader
from streams.engine.request import Request
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.headers import Caller, Deployment, FrameHeaders, RequestError

READER = FrameReader(
    deployment=Deployment(account="main", app_id="77", region="eu"),
    epoch="0a0b0c0d",
    galleries_of=lambda camera_id: () if camera_id == "blind" else ("default", "vip"),
)
EVENT_ID = EventId("0a0b0c0d", "camera-frames", 3, 7)


def request(key: bytes | None = b"lobby", **headers: bytes) -> Request:
    return Request("frames", 3, 7, 1000, key, b"picture", tuple(headers.items()), 1)


def test_a_frame_is_for_its_cameras_first_gallery_or_the_one_it_names() -> None:
    caller = Caller(account="main")
    assert READER.read(request(account=b"main")) == Frame(
        camera_id="lobby", gallery="default", headers=FrameHeaders(caller=caller), event_id=EVENT_ID
    )
    assert READER.read(request(gallery=b"vip")).gallery == "vip"


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (request(None), Code.BAD_KEY),
        (request(b"\xff"), Code.BAD_KEY),
        (request(account=b"zoo"), Code.WRONG_ACCOUNT),
        (request(region=b"us"), Code.WRONG_REGION),
        (request(captured_at_ms=b"soon"), Code.BAD_HEADER),
        (request(gallery=b"other"), Code.GALLERY_NOT_ALLOWED),
        (request(b"blind"), Code.GALLERY_NOT_ALLOWED),
    ],
)
def test_what_is_refused_can_be_logged(refused: Request, code: Code) -> None:
    with pytest.raises(RequestError) as error:
        READER.read(refused)
    assert error.value.code == code
    asked = READER.asked(refused)
    assert (asked.event_id, asked.interface, asked.requested_at_ms) == (EVENT_ID, "recognize", 1000)
    assert asked.camera_id == (None if code == Code.BAD_KEY else refused.key.decode())
