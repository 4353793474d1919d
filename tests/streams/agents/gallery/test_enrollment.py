"""A command that is delivered twice is answered with the same result, wherever the first delivery ended."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from models import abort
from models.errors import PictureCode, PictureError
from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.protect import Protector
from models.types import EnrollmentView, Quality
from streams.agents.gallery.commands import CommandReader
from streams.agents.gallery.enrollment import EnrollmentAgent
from streams.agents.gallery.said_before import SaidBefore
from streams.agents.gallery.view import GalleryView
from streams.agents.gallery.writer import GalleryWriter
from streams.agents.journal import Journal
from streams.agents.opened_log import Opener
from streams.agents.pool import Pool
from streams.agents.sealing import open_person
from streams.engine.outlet import FencedError
from streams.engine.request import Request
from streams.logs.error import Repeats
from streams.wire import records
from streams.wire.headers import Deployment
from streams.wire.records import Erasure, GalleryEvent, RunningLogEntry
from streams.wire.topics import Topics

ENROLL = (("command", b"enroll"), ("consent", b"form"), ("consent_basis", b"of_age"), ("request_id", b"r1"))
FORGET = (("command", b"forget"), ("request_id", b"r2"))
IN_VIP = ("gallery", b"vip")


@dataclass
class OneFace:
    """A recognizer that always finds the face of who it is told."""

    seed: int = 1
    examined: int = 0

    def check(self, encoded: bytes) -> None:
        if encoded != b"picture":
            raise PictureError(PictureCode.NOT_A_PICTURE, "scripted")

    def examine(self, encoded: bytes) -> EnrollmentView:
        self.examined += 1
        embedding = np.random.default_rng(self.seed).standard_normal(128).astype(np.float32)
        return EnrollmentView(
            embedding / np.linalg.norm(embedding), Quality(0.8, 60, 0.7, 0.0, None), 640, 360, "image/jpeg"
        )


class Broker:
    """An outlet whose records come back through the views, as the broker's would; ends after `die_after` records."""

    def __init__(self, agent: EnrollmentAgent) -> None:
        self.agent = agent
        self.written: list = []
        self.die_after: int | None = None
        self.lost = False
        self.said: dict[str, str] = {}

    async def publish(self, outputs):
        for output in outputs:
            if self.die_after is not None and len(self.written) >= self.die_after:
                raise FencedError
            self.written.append(output)
            if output.topic.endswith("face-features"):
                self.agent.known.apply(output)
            if output.topic.endswith("gallery-events"):
                self.agent.answers.apply(output)
            if output.topic.endswith("erasures"):
                self.agent.erasures.apply(output)
                self.agent.known.erase(records.decode(output.value, Erasure))
        return [type("Place", (), {"partition": 0, "offset": 0}) for _ in outputs]

    def last(self, short: str, kind):
        return records.decode([each for each in self.written if each.topic.endswith(short)][-1].value, kind)


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


@pytest.fixture
def recognizer() -> OneFace:
    return OneFace()


@pytest.fixture
def known(keys) -> GalleryView:
    protector = Protector(keys.template_key)
    galleries = Galleries(lambda: Gallery(protector, impostor_mean=0.1, impostor_deviation=0.11))
    return GalleryView(keys=keys, galleries=galleries, model_version="m", partitions=12, refused=lambda code: None)


@pytest.fixture
def agent(keys, known, recognizer, view, pool):
    topics, deployment = Topics(), Deployment(account="main", app_id="77", region="eu")
    writer = GalleryWriter(
        topics=topics,
        keys=keys,
        protector=Protector(keys.template_key),
        model_version="m",
        known=known,
        view=view,
        clock_ms=lambda: 5,
    )
    return EnrollmentAgent(
        topics=topics,
        deployment=deployment,
        reader=CommandReader(deployment=deployment, epoch="0a0b0c0d", gallery_names=frozenset({"default", "vip"})),
        recognizer=recognizer,
        galleries=known.galleries,
        keys=keys,
        known=known,
        answers=SaidBefore(GalleryEvent),
        erasures=SaidBefore(Erasure),
        views=(view,),
        erasures_view=view,
        writer=writer,
        pool=pool,
        journal=Journal(
            topics=topics,
            deployment=deployment,
            repeats=Repeats(1e6),
            clock_ms=lambda: 5,
        ),
        failed=lambda code: None,
        clock_ms=lambda: 5,
    )


@pytest.fixture
def broker(agent) -> Broker:
    return Broker(agent)


def request(headers, offset: int = 0, key: bytes = b"ada") -> Request:
    return Request("gallery-commands", 0, offset, 1, key, b"picture", headers, 1)


async def deliver(agent, broker, what: Request) -> GalleryEvent:
    await agent.handle(what, None, broker)
    return broker.last("gallery-events", GalleryEvent)


async def test_an_enrollment_twice_gives_one_feature_and_one_answer(agent, broker, recognizer) -> None:
    first = await deliver(agent, broker, request(ENROLL))
    again = await deliver(agent, broker, request(ENROLL))
    assert again == first
    assert (first.code, first.request_id, first.features) == ("enrolled", "r1", 1)
    assert recognizer.examined == 1
    assert len(agent.known.galleries.get("default")) == 1


async def test_a_picture_on_which_the_model_does_not_end_is_answered(agent, broker, recognizer) -> None:
    def endless(encoded: bytes) -> None:
        while True:
            abort.check()

    recognizer.examine = endless
    pool = Pool(1, timeout_s=0.2, fatal=lambda error: pytest.fail(repr(error)))
    answer = await deliver(replace(agent, pool=pool), broker, request(ENROLL))
    assert (answer.code, answer.accepted) == ("timed_out", False)
    assert answer.detail == "the examination did not end within 0.2 s"
    entry = broker.last("running-log", RunningLogEntry)
    assert (entry.return_code, entry.billed) == ("timed_out", True)


async def test_forgetting_twice_says_the_same_twice_and_then_there_is_nobody(agent, broker) -> None:
    await deliver(agent, broker, request(ENROLL))
    first = await deliver(agent, broker, request(FORGET, 1))
    assert (first.code, first.features, first.accepted) == ("forgetting", 1, True)
    assert await deliver(agent, broker, request(FORGET, 1)) == first
    assert (await deliver(agent, broker, request(FORGET, 2))).code == "unknown_person"


async def test_what_is_to_be_forgotten_is_noted_and_matched_no_more(agent, broker) -> None:
    await deliver(agent, broker, request(ENROLL))
    await deliver(agent, broker, request(FORGET, 1))
    erasure = broker.last("erasures", Erasure)
    assert (erasure.scope, erasure.gallery, erasure.state) == ("person", None, "accepted")
    assert erasure.person == agent.keys.pseudonym(None, "ada")
    assert erasure.key_id == agent.keys.account_key_id
    assert len(agent.known.galleries.get("default")) == 0
    assert not agent.known.holds("default", "ada")


async def test_who_is_enrolled_again_a_moment_later_has_another_reference_and_stays(agent, broker) -> None:
    await deliver(agent, broker, request(ENROLL))
    first = agent.known.reference("default", "ada")
    await deliver(agent, broker, request(FORGET, 1))
    assert (await deliver(agent, broker, request(ENROLL, 2))).code == "enrolled"
    second = agent.known.reference("default", "ada")
    assert None not in (first, second)
    assert first != second
    assert agent.known.galleries.get("default").features("ada") == ("0a0b0c0d-gallery-commands-0-2",)


def tombstone(agent, broker) -> None:
    """All that stands on face-features under vip."""
    for output in [each for each in broker.written if each.topic.endswith("face-features")]:
        if output.key.startswith(b"vip/"):
            agent.known.apply(replace(output, value=None))


async def enroll_twice(agent, broker) -> None:
    """The same person in two galleries."""
    await deliver(agent, broker, request(ENROLL, 1))
    await deliver(agent, broker, request((*ENROLL, IN_VIP), 2))
    assert agent.known.galleries_of("ada") == ["default", "vip"]


async def test_a_person_is_forgotten_in_every_gallery(agent, broker) -> None:
    await enroll_twice(agent, broker)
    answer = await deliver(agent, broker, request(FORGET, 3))
    assert (answer.code, answer.features, answer.gallery) == ("forgetting", 2, None)
    assert answer.person == broker.last("erasures", Erasure).person == agent.keys.pseudonym(None, "ada")
    assert [len(agent.known.galleries.get(name)) for name in ("default", "vip")] == [0, 0]
    assert (await deliver(agent, broker, request(FORGET, 4))).code == "unknown_person"


async def test_a_person_is_forgotten_in_the_gallery_that_is_named_alone(agent, broker) -> None:
    await enroll_twice(agent, broker)
    answer = await deliver(agent, broker, request((*FORGET, IN_VIP), 3))
    assert (answer.code, answer.features, answer.gallery) == ("forgetting", 1, "vip")
    assert broker.last("erasures", Erasure).gallery == "vip"
    assert agent.known.galleries_of("ada") == ["default"]
    assert (await deliver(agent, broker, request((*FORGET, IN_VIP), 4))).code == "unknown_person"
    assert (await deliver(agent, broker, request(FORGET, 5))).code == "forgetting"
    assert agent.known.galleries_of("ada") == []


async def test_who_is_enrolled_in_another_gallery_than_the_default_one_is_found(agent, broker) -> None:
    await deliver(agent, broker, request((*ENROLL, IN_VIP)))
    assert (await deliver(agent, broker, request(FORGET, 1))).code == "forgetting"
    assert agent.known.galleries_of("ada") == []


async def test_a_gallery_that_no_camera_searches_any_more_can_be_forgotten_while_it_holds_something(
    agent, broker
) -> None:
    await enroll_twice(agent, broker)
    without_vip = replace(agent, reader=replace(agent.reader, gallery_names=frozenset({"default"})))
    assert (await deliver(without_vip, broker, request((*ENROLL, IN_VIP), 4))).code == "gallery_not_allowed"
    assert (await deliver(without_vip, broker, request((*FORGET, IN_VIP), 5))).code == "forgetting"
    assert agent.known.galleries_of("ada") == ["default"]
    everybody = (("command", b"forget_gallery"),)
    assert (await deliver(without_vip, broker, request(everybody, 6, b"vip"))).code == "forgetting"
    tombstone(agent, broker)
    assert (await deliver(without_vip, broker, request(everybody, 7, b"vip"))).code == "gallery_not_allowed"
    assert (await deliver(without_vip, broker, request((*FORGET, IN_VIP), 8))).code == "gallery_not_allowed"


async def test_a_deletion_that_is_begun_is_accepted_though_nothing_is_left_of_its_gallery(agent, broker) -> None:
    await deliver(agent, broker, request((*ENROLL, IN_VIP)))
    without_vip = replace(agent, reader=replace(agent.reader, gallery_names=frozenset({"default"})))
    broker.die_after = len(broker.written) + 1  # the erasure alone
    with pytest.raises(FencedError):
        await without_vip.handle(request((*FORGET, IN_VIP), 1), None, broker)
    broker.die_after = None
    tombstone(agent, broker)
    assert (await deliver(without_vip, broker, request((*FORGET, IN_VIP), 1))).code == "forgetting"


async def test_the_running_log_names_whom_a_refused_deletion_is_about_in_each_gallery(agent, broker) -> None:
    await enroll_twice(agent, broker)
    data_keys = {agent.known.data_key(name, "ada"): name for name in ("default", "vip")}
    await deliver(agent, broker, request((*FORGET, ("region", b"elsewhere")), 3))
    entry = broker.last("running-log", RunningLogEntry)
    assert (entry.return_code, len(entry.persons)) == ("wrong_region", 2)
    opened = [person for key in data_keys if (person := Opener([key]).open(entry).persons)]
    assert [[(each.gallery, each.person_id) for each in persons] for persons in opened] == [
        [("default", "ada")],
        [("vip", "ada")],
    ]


@pytest.mark.parametrize(
    ("headers", "key", "code"),
    [
        ((("command", b"forget_gallery"),), b"default", "forgetting"),
        ((("command", b"forget_gallery"), ("gallery", b"default")), b"default", "forgetting"),
        ((("command", b"forget_gallery"), ("gallery", b"default")), b"vip", "bad_key"),
        ((("command", b"forget_gallery"),), b"nowhere", "gallery_not_allowed"),
        ((("command", b"forget_account"),), b"main", "forgetting"),
        ((("command", b"forget_account"),), b"other", "bad_key"),
    ],
)
async def test_a_gallery_or_the_account_is_forgotten_by_its_name_alone(agent, broker, headers, key, code) -> None:
    await deliver(agent, broker, request(ENROLL))
    answer = await deliver(agent, broker, request(headers, 1, key))
    assert (answer.code, answer.command, answer.person) == (code, "forget", None)
    assert len(agent.known.galleries.get("default")) == (0 if code == "forgetting" else 1)


async def test_the_running_log_names_who_is_enrolled_and_only_sealed(agent, broker) -> None:
    await deliver(agent, broker, request(ENROLL))
    entry = broker.last("running-log", RunningLogEntry)
    [sealed] = entry.persons
    data_key = agent.known.data_key("default", "ada")
    assert open_person(data_key, sealed, event_id=entry.event_id).person_id == "ada"
    await deliver(agent, broker, request(ENROLL[:1], 1, b"nobody"))
    assert broker.last("running-log", RunningLogEntry).persons == []
    await deliver(agent, broker, request(FORGET, 2))
    assert broker.last("running-log", RunningLogEntry).persons == []
    assert not any(b"ada" in output.value for output in broker.written if output.topic.endswith("running-log"))


@pytest.mark.parametrize("written", range(4))
async def test_a_worker_that_dies_in_an_enrollment_leaves_it_to_be_finished(agent, broker, written) -> None:
    broker.die_after = written  # key, feature, answer, running log
    with pytest.raises(FencedError):
        await agent.handle(request(ENROLL), None, broker)
    broker.die_after = None
    assert (await deliver(agent, broker, request(ENROLL))).code == "enrolled"
    assert len(agent.known.galleries.get("default")) == 1
    assert broker.last("running-log", RunningLogEntry).return_code == "enrolled"


@pytest.mark.parametrize("written", range(3))
async def test_a_worker_that_dies_while_forgetting_leaves_nobody_behind_and_the_same_answer(
    agent, broker, written
) -> None:
    await deliver(agent, broker, request(ENROLL))
    broker.die_after = len(broker.written) + written  # erasure, answer, running log
    with pytest.raises(FencedError):
        await agent.handle(request(FORGET, 1), None, broker)
    broker.die_after = None
    answer = await deliver(agent, broker, request(FORGET, 1))
    assert (answer.code, answer.features, answer.request_id) == ("forgetting", 1, "r2")
    assert len([each for each in broker.written if each.topic.endswith("erasures")]) == 1
    assert not agent.known.holds("default", "ada")
    assert len(agent.known.galleries.get("default")) == 0


async def test_a_second_picture_of_a_person_is_sealed_with_the_same_key(agent, broker, recognizer) -> None:
    await deliver(agent, broker, request(ENROLL))
    recognizer.seed = 2
    await deliver(agent, broker, request(ENROLL, 1))
    kept = [each.key for each in broker.written if each.topic.endswith("face-features")]
    assert [key.count(b"/") for key in kept] == [1, 2, 2]
    assert agent.known.galleries.get("default").features("ada") == (
        "0a0b0c0d-gallery-commands-0-0",
        "0a0b0c0d-gallery-commands-0-1",
    )


async def test_the_same_face_under_another_name_is_refused_but_under_its_own_it_is_not(agent, broker) -> None:
    await deliver(agent, broker, request(ENROLL))
    assert (await deliver(agent, broker, request(ENROLL, 1, b"eve"))).code == "looks_like_another_person"
    assert (await deliver(agent, broker, request(ENROLL, 2))).code == "enrolled"


async def test_what_fails_for_good_is_answered_too(agent, broker) -> None:
    await agent.fail(request(ENROLL), None, broker, ZeroDivisionError("scripted"))
    answer = broker.last("gallery-events", GalleryEvent)
    assert (answer.accepted, answer.code, answer.person is None) == (False, "internal_error", False)


@pytest.mark.parametrize(
    ("headers", "picture", "billed"),
    [
        (ENROLL, b"picture", True),
        (ENROLL, b"no picture", False),
        (ENROLL[:1], b"picture", False),
        ((*ENROLL, ("region", b"elsewhere")), b"picture", False),
        (FORGET, b"picture", False),
        ((), b"picture", False),
    ],
)
async def test_a_failure_of_ours_is_billed_as_the_answer_in_whose_place_it_stands(
    agent, broker, headers, picture, billed
) -> None:
    failed = replace(request(headers), value=picture)
    await agent.fail(failed, None, broker, ZeroDivisionError("scripted"))
    first = broker.last("running-log", RunningLogEntry)
    assert (first.return_code, first.billed) == ("internal_error", billed)
    await deliver(agent, broker, failed)
    assert broker.last("running-log", RunningLogEntry).billed is billed, "the same answer, and billed the same"


def features(broker: Broker) -> list:
    """The records of features, not of keys, on face-features."""
    return [each for each in broker.written if each.topic.endswith("face-features") and each.key.count(b"/") == 2]


@pytest.mark.parametrize(
    ("consent", "code"),
    [
        ({}, "no_consent"),
        ({"consent": b"form"}, "no_consent"),
        ({"consent_basis": b"of_age"}, "no_consent"),
        ({"consent": b"  ", "consent_basis": b"of_age"}, "no_consent"),
        ({"consent": b"form", "consent_basis": b"because"}, "no_consent"),
        ({"consent": b"form", "consent_basis": b"OF_AGE"}, "no_consent"),
        ({"consent": b"", "consent_basis": b"of_age"}, "bad_header"),
        ({"consent": b"form\n", "consent_basis": b"of_age"}, "bad_header"),
        ({"consent": "\u00a0".encode(), "consent_basis": b"of_age"}, "bad_header"),
        ({"consent": b"form", "consent_basis": b""}, "bad_header"),
        ({"consent": b"\xff", "consent_basis": b"of_age"}, "bad_header"),
    ],
)
async def test_without_a_statement_of_consent_nothing_is_stored(agent, broker, recognizer, consent, code) -> None:
    """Nor is the picture looked at, the first time or any other."""
    headers = (("command", b"enroll"), *consent.items())
    for _ in range(2):
        answer = await deliver(agent, broker, request(headers))
        assert (answer.code, answer.accepted) == (code, False)
    assert recognizer.examined == 0
    assert not [each for each in broker.written if each.topic.endswith("face-features")]


async def test_who_is_enrolled_already_needs_a_consent_for_each_feature(agent, broker) -> None:
    await deliver(agent, broker, request(ENROLL))
    assert (await deliver(agent, broker, request(ENROLL[:1], 1))).code == "no_consent"
    assert len(features(broker)) == 1


@pytest.mark.parametrize("die_after", range(4))
async def test_a_feature_bears_its_consent_wherever_the_first_delivery_ended(agent, broker, die_after) -> None:
    broker.die_after = die_after
    with pytest.raises(FencedError):
        await deliver(agent, broker, request(ENROLL))
    broker.die_after = None
    assert (await deliver(agent, broker, request(ENROLL))).code == "enrolled"
    stated = [dict(each.headers) for each in features(broker)]
    assert [(each["consent"], each["consent_basis"]) for each in stated] == [(b"form", b"of_age")]
