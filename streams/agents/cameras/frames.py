"""A frame's key and headers, read and admitted."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.engine.request import Request
from streams.logs.running import Asked
from streams.wire import headers as wire_headers
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.headers import Deployment, FrameHeaders, RequestError
from streams.wire.topics import CAMERA_FRAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame that may be recognised."""

    camera_id: str
    gallery: str
    headers: FrameHeaders
    event_id: EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReader:
    """Reads the records of camera-frames.

    epoch: of camera-frames. galleries_of: which galleries a camera may search, its default first.
    """

    deployment: Deployment
    epoch: str
    galleries_of: Callable[[str], tuple[str, ...]]

    def read(self, request: Request) -> Frame:
        """The frame. Raises RequestError."""
        if request.key is None:
            raise RequestError(Code.BAD_KEY, "the key, the camera's id, is missing")
        camera_id = wire_headers.text(request.key, "the key", Code.BAD_KEY)
        headers = wire_headers.frame_headers(request.headers)
        self.deployment.admit(headers.caller)
        allowed = self.galleries_of(camera_id)
        gallery = headers.gallery or next(iter(allowed), None)
        if gallery is None or gallery not in allowed:
            raise RequestError(Code.GALLERY_NOT_ALLOWED, "the camera may not search this gallery")
        return Frame(camera_id=camera_id, gallery=gallery, headers=headers, event_id=self.event_id(request))

    def event_id(self, request: Request) -> EventId:
        """The frame's event id."""
        return EventId(self.epoch, CAMERA_FRAMES, request.partition, request.offset)

    def asked(self, request: Request) -> Asked:
        """What can be said of the request, whatever is wrong with it."""
        caller = wire_headers.readable_caller(request.headers)
        try:
            camera_id = wire_headers.text(request.key or b"", "the key", Code.BAD_KEY)
        except RequestError:
            camera_id = None
        return Asked(
            event_id=self.event_id(request),
            interface="recognize",
            caller=caller,
            requested_at_ms=request.timestamp_ms,
            camera_id=camera_id,
        )
