"""The enrollment agent: a gallery command in, an answer out; features on face-features between, or an erasure begun."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import PictureError
from models.gallery.gallery import Galleries
from models.gallery.keys import KeyDirectory
from models.recognizer import Recognizer
from models.types import EnrollmentRefusal, EnrollmentView
from streams.agents.algorithm import NOT_RUN, Algorithm, of_error, of_face, of_refusal
from streams.agents.decoding import decodes
from streams.agents.gallery.commands import CommandReader, Enroll, Forget, no_such_gallery
from streams.agents.gallery.said_before import SaidBefore
from streams.agents.gallery.view import GalleryView
from streams.agents.gallery.writer import GalleryWriter
from streams.agents.journal import Journal
from streams.agents.pool import Pool, TimedOutError
from streams.agents.sealing import seal_persons
from streams.engine.lanes.lane import Lane
from streams.engine.outlet import Outlet, Output
from streams.engine.reading.view import View
from streams.engine.request import Request
from streams.logs.billed import depends_on_picture
from streams.logs.running import Asked
from streams.wire import records
from streams.wire.codes import MEANING, Code
from streams.wire.headers import CONSENT_BASES, Deployment, RequestError, states_consent
from streams.wire.records import Erasure, GalleryEvent, LoggedPerson, SealedPerson
from streams.wire.topics import ERASURES, GALLERY_EVENTS, Topics

ACCEPTED: Final = frozenset({Code.ENROLLED, Code.FORGETTING, Code.FORGOTTEN})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command. features: added or erased."""

    code: Code
    detail: str = ""
    features: int = 0
    algorithm: Algorithm = NOT_RUN


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentAgent:
    """Handles the records of gallery-commands.

    known, answers, erasures: what face-features, gallery-events and erasures hold.
    views: those that read these three. erasures_view: the one that reads erasures.
    failed: told of each refusal's code once it is out.
    """

    topics: Topics
    deployment: Deployment
    reader: CommandReader
    recognizer: Recognizer
    galleries: Galleries
    keys: KeyDirectory
    known: GalleryView
    answers: SaidBefore[GalleryEvent]
    erasures: SaidBefore[Erasure]
    views: Sequence[View]
    erasures_view: View
    writer: GalleryWriter
    pool: Pool
    journal: Journal
    failed: Callable[[Code], object]
    clock_ms: Callable[[], int]

    async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        """Carry the command out, or refuse it, and answer; the second time with the answer of the first."""
        for view in self.views:
            await view.catch_up()
        answer = self.answers.of(str(self.reader.event_id(request)))
        algorithm = NOT_RUN
        if answer is None:
            result = await self._result(request, outlet)
            answer, algorithm = self._answer(request, result), result.algorithm
        await self._publish(request, answer, outlet, algorithm)

    async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
        """The command failed for good."""
        answer = self._answer(request, Result(Code.INTERNAL_ERROR, "the command failed three times"))
        await self._publish(request, answer, outlet, of_error(error))

    async def _result(self, request: Request, outlet: Outlet) -> Result:
        try:
            command = self.reader.read(request)
            if isinstance(command, Enroll):
                return await self._enroll(command, request, outlet)
            return await self._forget(command, request, outlet)
        except RequestError as error:
            return Result(error.code, error.detail)
        except TimedOutError as error:
            return Result(Code.TIMED_OUT, f"the examination {error}", algorithm=of_error(error))

    async def _enroll(self, command: Enroll, request: Request, outlet: Outlet) -> Result:
        if not states_consent(command.headers.consent, command.headers.consent_basis):
            return Result(
                Code.NO_CONSENT, f"consent, and consent_basis as one of {', '.join(CONSENT_BASES)}, are needed"
            )
        if str(command.event_id) in self.known.stored(command.gallery, command.person_id):
            return Result(Code.ENROLLED, features=1)
        try:
            examined = await self.pool.run(lambda: self.recognizer.examine(request.value or b""))
        except PictureError as error:
            return Result(Code.BAD_PICTURE, f"{error.code}: {error.detail}", algorithm=of_error(error))
        if isinstance(examined, EnrollmentRefusal):
            return Result(Code(examined.reason.value), _why(examined), algorithm=of_refusal(examined))
        if await self.pool.run(lambda: self._resembles_another(command, examined)):
            detail = "the face matches a person of another id in this gallery"
            return Result(Code.LOOKS_LIKE_ANOTHER_PERSON, detail, algorithm=of_face(examined.quality))
        await self.writer.store(command, examined.embedding, examined.quality.score, request.timestamp_ms, outlet)
        return Result(Code.ENROLLED, features=1)

    def _resembles_another(self, command: Enroll, examined: EnrollmentView) -> bool:
        gallery = self.galleries.get(command.gallery)
        found = gallery.search(examined.embedding, k=2, exact=True)
        others = [each.similarity for each in found.candidates if each.person_id != command.person_id]
        return bool(others) and max(others) >= gallery.threshold()

    async def _forget(self, command: Forget, request: Request, outlet: Outlet) -> Result:
        """Note what is to be erased; from when our own view has it, nothing of it is matched here.

        Raises RequestError.
        """
        erasure = self._erasure(command, request)
        begun = self.erasures.of(erasure.event_id) is not None
        if not begun:
            self._admit(command)
        covered = self.known.covered(erasure)
        if not begun:
            output = Output(
                topic=self.topics.name(ERASURES), key=str(command.event_id).encode(), value=records.encode(erasure)
            )
            [written] = await outlet.publish([output])
            await self.erasures_view.reached(written.partition, written.offset + 1)
        return Result(Code.FORGETTING, features=sum(len(each.features) for each in covered))

    def _admit(self, command: Forget) -> None:
        """Raise RequestError where nothing is there to be forgotten.

        A gallery that no camera searches any more counts as long as it holds something.
        """
        named = command.gallery
        if not (named is None or named in self.reader.gallery_names or self.known.has_gallery(named)):
            raise no_such_gallery()
        if command.person_id is not None and not self._galleries_of(command.person_id, named):
            raise RequestError(Code.UNKNOWN_PERSON, MEANING[Code.UNKNOWN_PERSON])

    def _galleries_of(self, person_id: str, gallery: str | None) -> list[str]:
        """Those that are meant and hold the person. gallery: None for all."""
        return [each for each in self.known.galleries_of(person_id) if gallery in (None, each)]

    def _erasure(self, command: Forget, request: Request) -> Erasure:
        return Erasure(
            event_id=str(command.event_id),
            request_id=command.request_id,
            account=self.deployment.account,
            scope=command.scope,
            gallery=command.gallery,
            person=self._pseudonym(command.gallery, command.person_id),
            key_id=None if command.person_id is None else self.keys.account_key_id,
            state="accepted",
            requested_at_ms=request.timestamp_ms,
            updated_at_ms=self.clock_ms(),
        )

    def _answer(self, request: Request, result: Result) -> GalleryEvent:
        asked = self.reader.asked(request)
        return GalleryEvent(
            event_id=str(asked.event_id),
            request_id=asked.request_id or str(asked.event_id),
            account=self.deployment.account,
            region=self.deployment.region,
            gallery=asked.gallery,
            command=None if asked.interface == "unknown" else asked.interface,
            accepted=result.code in ACCEPTED,
            code=result.code,
            detail=result.detail,
            person=self._pseudonym(asked.gallery, asked.person_id),
            features=result.features,
            requested_at_ms=request.timestamp_ms,
            processed_at_ms=self.clock_ms(),
        )

    def _pseudonym(self, gallery: str | None, person_id: str | None) -> str | None:
        return None if person_id is None else self.keys.pseudonym(gallery, person_id)

    async def _publish(self, request: Request, answer: GalleryEvent, outlet: Outlet, algorithm: Algorithm) -> None:
        decoded = depends_on_picture(Code(answer.code)) and await self._would_be_examined(request)
        await outlet.publish(self._records(request, answer, algorithm, outlet.said, decoded=decoded))
        if not answer.accepted:
            self.failed(Code(answer.code))

    async def _would_be_examined(self, request: Request) -> bool:
        """Whether the command is billed when it does not fail."""
        try:
            command = self.reader.read(request)
        except RequestError:
            return False
        consent = command.headers.consent, command.headers.consent_basis
        in_order = isinstance(command, Enroll) and states_consent(*consent)
        return in_order and await decodes(self.recognizer, request.value, self.pool)

    def _records(
        self, request: Request, answer: GalleryEvent, algorithm: Algorithm, said: Mapping[str, str], *, decoded: bool
    ) -> list[Output]:
        asked, code = self.reader.asked(request), Code(answer.code)
        event = Output(
            topic=self.topics.name(GALLERY_EVENTS), key=answer.request_id.encode(), value=records.encode(answer)
        )
        persons = self._named(asked)
        if answer.accepted:
            return [event, self.journal.running(asked, code, persons=persons)]
        failure = self.journal.failure(
            request,
            asked,
            code,
            answer.detail,
            person=answer.person,
            persons=persons,
            algorithm=algorithm,
            said=said,
            decoded=decoded,
        )
        return [event, *failure]

    def _named(self, asked: Asked) -> list[SealedPerson]:
        """Whom the running log names: who is enrolled, once for each gallery that is meant, and nobody else."""
        if asked.person_id is None:
            return []
        persons = [
            LoggedPerson(gallery=gallery, person_id=asked.person_id, results=[])
            for gallery in self._galleries_of(asked.person_id, asked.gallery)
        ]
        return seal_persons(
            self.known.data_key, persons, event_id=str(asked.event_id), requested_at_ms=asked.requested_at_ms
        )


def _why(refusal: EnrollmentRefusal) -> str:
    """What a person with a camera can do something about."""
    if refusal.reject_reason is not None:
        return refusal.reject_reason.value
    return f"{refusal.faces} faces in a picture of {refusal.width_px} x {refusal.height_px} pixels"
