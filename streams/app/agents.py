"""The agents of a worker, made from settings and from what they work with."""

from dataclasses import dataclass

from streams.agents.cameras.age import AgeLimit
from streams.agents.cameras.frames import FrameReader
from streams.agents.cameras.recognition import RecognitionAgent
from streams.agents.cameras.sightings import Sightings
from streams.agents.cameras.visits import VisitSettings
from streams.agents.gallery.commands import CommandReader
from streams.agents.gallery.enrollment import EnrollmentAgent
from streams.agents.gallery.writer import GalleryWriter
from streams.agents.journal import Journal
from streams.agents.pool import Pool
from streams.app.clock import now_ms
from streams.app.observer import Observer
from streams.app.views import Views
from streams.app.vision import Vision
from streams.engine.brokers import BROKERS
from streams.engine.reading.tail import Tail
from streams.logs.error import Repeats
from streams.monitor.metrics import Metrics
from streams.settings import Settings
from streams.wire.headers import Deployment
from streams.wire.topics import CAMERA_FRAMES, GALLERY_COMMANDS, RUNNING_LOG


@dataclass(frozen=True, slots=True)
class Agents:
    """Who handles what; sightings and journal are shared with what runs beside the requests."""

    recognition: RecognitionAgent
    enrollment: EnrollmentAgent
    sightings: Sightings
    journal: Journal


class AgentMaker:
    """epochs: of the input topics, by short name."""

    def __init__(
        self,
        settings: Settings,
        vision: Vision,
        views: Views,
        *,
        epochs: dict[str, str],
        pool: Pool,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._vision = vision
        self._views = views
        self._epochs = epochs
        self._pool = pool
        self._metrics = metrics
        self._topics = settings.topics()
        self._deployment = Deployment(account=settings.account, app_id=settings.app_id, region=settings.region)

    def make(self) -> Agents:
        """All of them."""
        journal = Journal(
            topics=self._topics,
            deployment=self._deployment,
            repeats=Repeats(self._topics.error_log_bytes_per_s),
            clock_ms=now_ms,
            is_person=self._is_person,
        )
        sightings = self._sightings()
        return Agents(self._recognition(journal, sightings), self._enrollment(journal), sightings, journal)

    def _is_person(self, text: str) -> bool:
        return bool(self._views.known.galleries_of(text))

    def _sightings(self) -> Sightings:
        galleries = self._vision.galleries
        return Sightings(
            topics=self._topics,
            deployment=self._deployment,
            epoch=self._epochs[CAMERA_FRAMES],
            settings=VisitSettings(
                timeout_ms=round(self._settings.visit_timeout_s * 1000),
                update_ms=round(self._settings.sighting_update_s * 1000),
            ),
            newest=self._views.newest,
            view=self._views.visits,
            knows=lambda gallery, person_id: person_id in galleries.get(gallery),
        )

    def _recognition(self, journal: Journal, sightings: Sightings) -> RecognitionAgent:
        reader = FrameReader(
            deployment=self._deployment,
            epoch=self._epochs[CAMERA_FRAMES],
            galleries_of=self._settings.galleries.of,
        )
        return RecognitionAgent(
            topics=self._topics,
            reader=reader,
            recognizer=self._vision.recognizer,
            galleries=self._vision.galleries,
            data_keys=self._views.known.data_key,
            pool=self._pool,
            sightings=sightings,
            journal=journal,
            models=self._vision.names,
            observer=Observer(self._metrics, now_ms),
            clock_ms=now_ms,
            age=self._age_limit(),
        )

    def _age_limit(self) -> AgeLimit | None:
        settings = self._settings
        if not settings.max_frame_age_s:
            return None
        broker = BROKERS[settings.broker]
        return AgeLimit(
            max_age_ms=round(settings.max_frame_age_s * 1000),
            epoch=self._epochs[CAMERA_FRAMES],
            log=Tail(
                self._topics.name(RUNNING_LOG),
                settings.connection(),
                by_time=broker.append_time,  # the sender's clock says nothing about the running log's
                exact_ends=broker.exact_ends,
            ),
            clock_ms=now_ms,
            patience_s=settings.publish_timeout_s,
        )

    def _enrollment(self, journal: Journal) -> EnrollmentAgent:
        vision, views = self._vision, self._views
        writer = GalleryWriter(
            topics=self._topics,
            keys=vision.keys,
            protector=vision.protector,
            model_version=vision.pack.model_version,
            known=views.known,
            view=views.gallery,
            clock_ms=now_ms,
        )
        reader = CommandReader(
            deployment=self._deployment,
            epoch=self._epochs[GALLERY_COMMANDS],
            gallery_names=frozenset(self._settings.galleries.names()),
        )
        return EnrollmentAgent(
            topics=self._topics,
            deployment=self._deployment,
            reader=reader,
            recognizer=vision.recognizer,
            galleries=vision.galleries,
            keys=vision.keys,
            known=views.known,
            answers=views.answered,
            erasures=views.erased,
            views=(views.answers, views.erasures, views.gallery),
            erasures_view=views.erasures,
            writer=writer,
            pool=self._pool,
            journal=journal,
            failed=self._metrics.failed,
            clock_ms=now_ms,
        )
