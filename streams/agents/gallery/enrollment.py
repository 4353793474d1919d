"""The enrollment agent: a gallery command in, an answer out; features on face-features between, or an erasure begun."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from models.errors import PictureError
from models.gallery.gallery import Galleries
from models.gallery.keys import KeyDirectory
from models.recognizer import Recognizer
from models.types import EnrollmentRefusal, EnrollmentView
from streams.agents.decoding import decodes
from streams.agents.gallery.commands import COMMANDS, ENROLL, SCOPES, Command, CommandReader
from streams.agents.gallery.said_before import SaidBefore
from streams.agents.gallery.view import GalleryView
from streams.agents.gallery.writer import GalleryWriter
from streams.agents.journal import Journal
from streams.agents.pool import Pool, TimedOutError
from streams.agents.sealing import seal_persons
from streams.engine.lanes.lanes import Lane
from streams.engine.outlet import Outlet, Output
from streams.engine.reading.view import View
from streams.engine.request import Request
from streams.logs.billed import depends_on_picture
from streams.logs.running import Asked
from streams.wire import records
from streams.wire.codes import Code
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
        if answer is None:
            answer = self._answer(request, await self._result(request, outlet))
        await self._publish(request, answer, outlet)

    async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
        """The command failed for good."""
        answer = self._answer(request, Result(Code.INTERNAL_ERROR, "the command failed three times"))
        await self._publish(request, answer, outlet, type(error).__name__)

    async def _result(self, request: Request, outlet: Outlet) -> Result:
        try:
            command = self.reader.read(request)
            if command.headers.command == ENROLL:
                return await self._enroll(command, request, outlet)
            if command.headers.command in SCOPES:
                return await self._forget(command, request, outlet)
        except RequestError as error:
            return Result(error.code, error.detail)
        except TimedOutError as error:
            return Result(Code.TIMED_OUT, f"the examination {error}")
        return Result(Code.UNKNOWN_COMMAND, f"the header command is none of {', '.join(COMMANDS)}")

    async def _enroll(self, command: Command, request: Request, outlet: Outlet) -> Result:
        if not states_consent(command.headers.consent, command.headers.consent_basis):
            return Result(
                Code.NO_CONSENT, f"consent, and consent_basis as one of {', '.join(CONSENT_BASES)}, are needed"
            )
        if str(command.event_id) in self.known.stored(command.gallery, command.person_id):
            return Result(Code.ENROLLED, features=1)
        try:
            examined = await self.pool.run(lambda: self.recognizer.examine(request.value or b""))
        except PictureError as error:
            return Result(Code.BAD_PICTURE, f"{error.code}: {error.detail}")
        if isinstance(examined, EnrollmentRefusal):
            return Result(Code(examined.reason.value), _why(examined))
        if await self.pool.run(lambda: self._resembles_another(command, examined)):
            return Result(Code.LOOKS_LIKE_ANOTHER_PERSON, "the face matches a person of another id in this gallery")
        await self.writer.store(command, examined.embedding, examined.quality.score, request.timestamp_ms, outlet)
        return Result(Code.ENROLLED, features=1)

    def _resembles_another(self, command: Command, examined: EnrollmentView) -> bool:
        gallery = self.galleries.get(command.gallery)
        found = gallery.search(examined.embedding, k=2, exact=True)
        others = [each.similarity for each in found.candidates if each.person_id != command.person_id]
        return bool(others) and max(others) >= gallery.threshold()

    async def _forget(self, command: Command, request: Request, outlet: Outlet) -> Result:
        """Note what is to be erased; from when our own view has it, nothing of it is matched here."""
        erasure = self._erasure(command, request)
        begun = self.erasures.of(erasure.event_id) is not None
        if not begun and erasure.scope == "person" and not self.known.holds(command.gallery, command.person_id):
            return Result(Code.UNKNOWN_PERSON, "the gallery holds nobody of this id")
        covered = self.known.covered(erasure)
        if not begun:
            output = Output(
                topic=self.topics.name(ERASURES), key=str(command.event_id).encode(), value=records.encode(erasure)
            )
            [written] = await outlet.publish([output])
            await self.erasures_view.reached(written.partition, written.offset + 1)
        return Result(Code.FORGETTING, features=sum(len(each.features) for each in covered))

    def _erasure(self, command: Command, request: Request) -> Erasure:
        scope = SCOPES[command.headers.command]
        return Erasure(
            event_id=str(command.event_id),
            request_id=command.request_id,
            account=self.deployment.account,
            scope=scope,
            gallery=None if scope == "account" else command.gallery,
            person=self.keys.pseudonym(command.gallery, command.person_id) if scope == "person" else None,
            key_id=self.keys.account_key_id if scope == "person" else None,
            state="accepted",
            requested_at_ms=request.timestamp_ms,
            updated_at_ms=self.clock_ms(),
        )

    def _answer(self, request: Request, result: Result) -> GalleryEvent:
        asked = self.reader.asked(request)
        person = None
        if asked.person_id is not None and asked.gallery is not None:
            person = self.keys.pseudonym(asked.gallery, asked.person_id)
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
            person=person,
            features=result.features,
            requested_at_ms=request.timestamp_ms,
            processed_at_ms=self.clock_ms(),
        )

    async def _publish(
        self, request: Request, answer: GalleryEvent, outlet: Outlet, algorithm_output: str | None = None
    ) -> None:
        decoded = depends_on_picture(Code(answer.code)) and await self._would_be_examined(request)
        await outlet.publish(self._records(request, answer, algorithm_output, decoded=decoded))
        if not answer.accepted:
            self.failed(Code(answer.code))

    async def _would_be_examined(self, request: Request) -> bool:
        """Whether the command is billed when it does not fail."""
        try:
            headers = self.reader.read(request).headers
        except RequestError:
            return False
        in_order = headers.command == ENROLL and states_consent(headers.consent, headers.consent_basis)
        return in_order and await decodes(self.recognizer, request.value, self.pool)

    def _records(
        self, request: Request, answer: GalleryEvent, algorithm_output: str | None, *, decoded: bool
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
            algorithm_output=algorithm_output,
            decoded=decoded,
        )
        return [event, *failure]

    def _named(self, asked: Asked) -> list[SealedPerson]:
        """Whom the running log names: who is enrolled, and nobody else."""
        if asked.person_id is None or asked.gallery is None:
            return []
        person = LoggedPerson(gallery=asked.gallery, person_id=asked.person_id, results=[])
        return seal_persons(
            self.known.data_key, [person], event_id=str(asked.event_id), requested_at_ms=asked.requested_at_ms
        )


def _why(refusal: EnrollmentRefusal) -> str:
    """What a person with a camera can do something about."""
    if refusal.reject_reason is not None:
        return refusal.reject_reason.value
    return f"{refusal.faces} faces in a picture of {refusal.width_px} x {refusal.height_px} pixels"
