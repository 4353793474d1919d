"""The recognition agent: a frame in, a recognition out; a refused frame leaves its log records instead."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from models.errors import PictureError
from models.gallery.gallery import Galleries
from models.recognizer import CameraState, Recognizer
from models.types import FrameResult
from streams.agents.algorithm import NOT_RUN, Algorithm, of_error, of_frame
from streams.agents.cameras.age import AgeLimit
from streams.agents.cameras.frames import Frame, FrameReader
from streams.agents.cameras.recognition_record import logged_nobody, logged_persons, recognition
from streams.agents.cameras.sightings import Sightings
from streams.agents.cameras.visits import NOTHING_YET, FrameOf, Visits
from streams.agents.decoding import decodes
from streams.agents.journal import Journal
from streams.agents.pool import Pool, TimedOutError
from streams.agents.sealing import DataKeys, seal_persons
from streams.engine.lanes.lane import Lane
from streams.engine.outlet import Outlet, Output, OutputTooLargeError
from streams.engine.request import Request
from streams.logs.billed import depends_on_picture
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.headers import RequestError
from streams.wire.records import ModelNames, Recognition
from streams.wire.topics import RECOGNITIONS, Topics

DEADLINE_TRIES: Final = 2
"""A machine that stands still for a moment costs no frame; a picture on which the model does not end costs two."""


@dataclass(slots=True)
class CameraLane:
    """What a lane keeps of its camera.

    begun: offset of the frame whose recognition was begun last.
    """

    camera: CameraState
    visits: Visits
    begun: int = NOTHING_YET


class Observer(Protocol):
    """Told of each frame once its records are out."""

    def recognised(self, record: Recognition, result: FrameResult) -> None:
        """It was recognised."""

    def skipped(self, camera_id: str) -> None:
        """It was too old."""

    def refused(self, camera_id: str | None, code: Code) -> None:
        """It was refused, or failed; camera_id is None if it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionAgent:
    """Handles the records of camera-frames.

    data_keys: of the persons in the galleries.
    age: which frames are too old; None: none is.
    """

    topics: Topics
    reader: FrameReader
    recognizer: Recognizer
    galleries: Galleries
    data_keys: DataKeys
    pool: Pool
    sightings: Sightings
    journal: Journal
    models: ModelNames
    observer: Observer
    clock_ms: Callable[[], int]
    age: AgeLimit | None = None

    async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        """Recognise the frame and publish what follows from it."""
        try:
            frame = self.reader.read(request)
            if await self._is_too_old(request, lane, outlet):
                await self._skip(request, frame, outlet)
                return
            state = await self._state(lane, frame, outlet)
            state.begun = request.offset
            result = await self._recognize(request, frame, state)
        except RequestError as error:
            await self._refuse(request, outlet, error.code, error.detail)
        except PictureError as error:
            await self._refuse(request, outlet, Code(error.code.value), error.detail, of_error(error))
        except TimedOutError as error:
            await self._refuse(request, outlet, Code.TIMED_OUT, f"recognition {error}", of_error(error))
        else:
            try:
                await self._publish(request, frame, state, result, outlet)
            except OutputTooLargeError as error:
                lane.state = None  # what was written of it is taken over by the next frame
                await self._refuse(request, outlet, Code.OUTPUT_TOO_LARGE, str(error), of_frame(result))

    async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
        """The frame failed for good; the camera starts anew."""
        lane.state = None
        await self._refuse(request, outlet, Code.INTERNAL_ERROR, "recognition failed", of_error(error))

    async def _is_too_old(self, request: Request, lane: Lane, outlet: Outlet) -> bool:
        """A frame that was begun is not skipped when it is tried again: something of it may be out."""
        if self.age is None or (isinstance(lane.state, CameraLane) and lane.state.begun == request.offset):
            return False
        return await self.age.skips(request, outlet)

    async def _skip(self, request: Request, frame: Frame, outlet: Outlet) -> None:
        """Nothing was looked at: one entry in the running log, none in the error log, visits stay as they are."""
        await outlet.publish([self.journal.running(self.reader.asked(request), Code.TOO_OLD)])
        self.observer.skipped(frame.camera_id)

    async def _refuse(
        self, request: Request, outlet: Outlet, code: Code, detail: str, algorithm: Algorithm = NOT_RUN
    ) -> None:
        asked = self.reader.asked(request)
        decoded = depends_on_picture(code) and await self._would_be_decoded(request)
        await outlet.publish(
            self.journal.failure(request, asked, code, detail, algorithm=algorithm, said=outlet.said, decoded=decoded)
        )
        self.observer.refused(asked.camera_id, code)

    async def _would_be_decoded(self, request: Request) -> bool:
        """Whether the frame is billed when it is recognised."""
        try:
            self.reader.read(request)
        except RequestError:
            return False
        return await decodes(self.recognizer, request.value, self.pool)

    async def _state(self, lane: Lane, frame: Frame, outlet: Outlet) -> CameraLane:
        if isinstance(lane.state, CameraLane):
            return lane.state
        visits = await self.sightings.take_over(frame.camera_id, outlet)
        lane.state = state = CameraLane(self.recognizer.new_camera(), visits)
        return state

    async def _recognize(self, request: Request, frame: Frame, state: CameraLane) -> FrameResult:
        def compute(camera: CameraState) -> FrameResult:
            return self.recognizer.recognize(
                request.value or b"",
                camera,
                self.galleries.get(frame.gallery),
                frame_ref=str(frame.event_id),
                at_ms=request.timestamp_ms,
            )

        tries = 0
        while True:
            try:
                return await self.pool.run(partial(compute, state.camera))
            except TimedOutError as error:
                state.camera = self.recognizer.new_camera()  # a thread may still have hold of the old one
                tries += 1
                if error.stuck or tries == DEADLINE_TRIES:
                    raise

    async def _publish(
        self, request: Request, frame: Frame, state: CameraLane, result: FrameResult, outlet: Outlet
    ) -> None:
        seen = FrameOf(
            camera_id=frame.camera_id,
            deployment=self.reader.deployment,
            gallery=frame.gallery,
            ref=str(frame.event_id),
            offset=request.offset,
            at_ms=request.timestamp_ms,
        )
        state.visits = await self.sightings.see(state.visits, result.faces, seen, request.partition, outlet)
        record = recognition(
            result,
            frame.headers,
            event_id=str(frame.event_id),
            camera_id=frame.camera_id,
            deployment=self.reader.deployment,
            gallery=frame.gallery,
            received_at_ms=request.timestamp_ms,
            processed_at_ms=self.clock_ms(),
            models=self.models,
        )
        await outlet.publish(
            [
                Output(
                    topic=self.topics.name(RECOGNITIONS), key=frame.camera_id.encode(), value=records.encode(record)
                ),
                self._logged(request, frame, result),
            ]
        )
        self.observer.recognised(record, result)

    def _logged(self, request: Request, frame: Frame, result: FrameResult) -> Output:
        """The running log's entry: whom the frame names is sealed, with the keys that there are at this moment."""
        persons = seal_persons(
            self.data_keys,
            logged_persons(result, frame.gallery),
            event_id=str(frame.event_id),
            requested_at_ms=request.timestamp_ms,
        )
        return self.journal.running(self.reader.asked(request), Code.OK, persons=persons, results=logged_nobody(result))
