"""Two accounts on one broker and in one deployment, and every way across that we could think of."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator, Sequence

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from models.gallery.keys import KeyDirectory
from streams.cli.opening import opener
from streams.demo.cast import CAST
from streams.demo.film import enrollment_picture, film
from streams.edge.client import GalleryClient
from streams.edge.errors import BrokerRefusedError
from streams.edge.persons import read_persons
from streams.edge.publish import FramePublisher
from streams.wire.headers import Caller
from streams.wire.rights import Role
from streams.wire.topics import (
    CAMERA_FRAMES,
    ERROR_LOG,
    FACE_FEATURES,
    GALLERY_COMMANDS,
    GALLERY_EVENTS,
    RECOGNITIONS,
    RUNNING_LOG,
)
from tests.kafka.secured import ADMIN, MUTUAL, SecuredKafka, topics_of
from tests.kafka.two_accounts import PATIENCE_S, TwoAccounts

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

ACME, ZOO = topics_of("acme"), topics_of("zoo")
CONSENT = {"consent": "form-7", "consent_basis": "of_age"}
PICTURE = {person.person_id: enrollment_picture(person) for person in CAST if person.person_id in ("gwen", "carl")}
GWENS = "acme's gwen"
DESK = [frame.jpeg for frame in film("desk", 3)]
ENROLL = [(name, value.encode()) for name, value in {"command": "enroll", **CONSENT}.items()]


@pytest.fixture(scope="module")
def two(secured: SecuredKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoAccounts]:
    """Both accounts are served, and gwen is enrolled in acme."""
    two = TwoAccounts(secured, tmp_path_factory.mktemp("accounts"))
    try:
        asyncio.run(two.ready())
        asyncio.run(_enroll_gwen(two))
        yield two
    finally:
        two.worker.stop()


async def _enroll_gwen(two: TwoAccounts) -> None:
    async with GalleryClient(two.connection("acme", Role.GALLERY_ADMIN), ACME, timeout_s=PATIENCE_S) as acme:
        assert (await acme.enroll(GWENS, PICTURE["gwen"], **CONSENT)).code == "enrolled"


async def seen(two: TwoAccounts, account: str, camera_id: str, **options: str) -> list[str | None]:
    """Whom the account's worker names in front of this camera of the account."""
    topics = topics_of(account)
    async with FramePublisher(two.connection(account, Role.CAMERA), topics) as camera:
        sent = [await (await camera.publish(jpeg, camera_id=camera_id, **options)) for jpeg in DESK]
    records = await two.answers(topics, RECOGNITIONS, [(each.partition, each.offset) for each in sent])
    assert {(record["account"], record["camera_id"]) for record in records} == {(account, camera_id)}
    return [face["match"]["person_id"] for record in records for face in record["faces"]]


async def test_a_person_of_one_account_is_a_stranger_to_the_other(two: TwoAccounts) -> None:
    assert await seen(two, "acme", "desk") == [GWENS] * 3
    assert await seen(two, "zoo", "desk") == [None] * 3
    assert await seen(two, "zoo", "facestreams.acme.camera-frames", gallery="acme") == [None] * 3


async def test_forgetting_in_one_account_leaves_the_other(two: TwoAccounts) -> None:
    async with GalleryClient(two.connection("zoo", Role.GALLERY_ADMIN), ZOO, timeout_s=PATIENCE_S) as zoo:
        assert (await zoo.forget(GWENS)).code == "unknown_person"
        assert (await zoo.forget_gallery("default")).accepted
        assert (await zoo.forget(GWENS, caller=Caller(account="acme"))).code == "wrong_account"
    assert await seen(two, "acme", "desk-2") == [GWENS] * 3


async def test_the_same_face_and_id_may_be_enrolled_in_both(two: TwoAccounts) -> None:
    async with GalleryClient(two.connection("zoo", Role.GALLERY_ADMIN), ZOO, timeout_s=PATIENCE_S) as zoo:
        assert (await zoo.enroll(GWENS, PICTURE["gwen"], **CONSENT)).code == "enrolled"
        assert await seen(two, "zoo", "desk-3") == [GWENS] * 3
        assert (await zoo.forget(GWENS)).accepted
    assert await seen(two, "zoo", "desk-4") == [None] * 3
    assert await seen(two, "acme", "desk-4") == [GWENS] * 3


async def test_a_header_that_names_the_other_account_is_refused_and_not_believed(two: TwoAccounts) -> None:
    told = [("account", b"acme")]
    async with two.writing(two.connection("zoo", Role.CAMERA)) as camera:
        frame = await camera.send_and_wait(ZOO.name(CAMERA_FRAMES), DESK[0], key=b"desk", headers=told)
    async with two.writing(two.connection("zoo", Role.GALLERY_ADMIN)) as admin:
        enrolled = await admin.send_and_wait(
            ZOO.name(GALLERY_COMMANDS), PICTURE["carl"], key=b"carl", headers=[*ENROLL, *told]
        )
    place = [(enrolled.partition, enrolled.offset)]
    [answer], [entry] = [await two.answers(ZOO, short, place) for short in (GALLERY_EVENTS, RUNNING_LOG)]
    assert (answer["code"], answer["account"]) == ("wrong_account", "zoo")
    assert (entry["return_code"], entry["account"], entry["billed"]) == ("wrong_account", "zoo", False)
    [logged] = await two.answers(ZOO, RUNNING_LOG, [(frame.partition, frame.offset)])
    assert (logged["return_code"], logged["account"], logged["billed"]) == ("wrong_account", "zoo", False)


@pytest.mark.parametrize("gallery", ["acme/default", "facestreams.acme", "../acme", "default/"])
async def test_no_name_reaches_across(two: TwoAccounts, gallery: str) -> None:
    async with GalleryClient(two.connection("zoo", Role.GALLERY_ADMIN), ZOO, timeout_s=PATIENCE_S) as zoo:
        answer = await zoo.enroll(f"{gallery}/{GWENS}", PICTURE["carl"], gallery=gallery, **CONSENT)
        assert answer.code == "gallery_not_allowed"
        assert (await zoo.forget(GWENS, gallery=gallery)).code == "gallery_not_allowed"


@pytest.mark.parametrize("role", [Role.GALLERY_ADMIN, Role.WORKER])
async def test_the_broker_takes_nothing_for_the_other_account(two: TwoAccounts, role: Role) -> None:
    """Neither from who asks nor from the workers themselves."""
    connection = two.connection("zoo", role)
    async with two.writing(connection) as producer:
        for short in (CAMERA_FRAMES, GALLERY_COMMANDS, FACE_FEATURES, RUNNING_LOG):
            with pytest.raises(TopicAuthorizationFailedError):
                await producer.send_and_wait(ACME.name(short), b"x", key=b"x", partition=0)


async def test_our_own_programs_are_refused_at_the_other_account(two: TwoAccounts) -> None:
    keys = opener(KeyDirectory.open(two.key_dirs["zoo"]))
    with pytest.raises(BrokerRefusedError, match=r"lacks Write on topic facestreams\.acme\.gallery-commands"):
        await GalleryClient(two.connection("zoo", Role.GALLERY_ADMIN), ACME, timeout_s=1).__aenter__()
    with pytest.raises(BrokerRefusedError, match=r"lacks Write on topic facestreams\.acme\.camera-frames"):
        await FramePublisher(two.connection("zoo", Role.CAMERA), ACME).__aenter__()
    with pytest.raises(BrokerRefusedError, match=r"lacks Read on topic facestreams\.acme\.face-features"):
        await read_persons(two.connection("zoo", Role.GALLERY_ADMIN), ACME, keys, exact_ends=True)


async def test_the_key_directory_of_the_other_account_opens_nothing(two: TwoAccounts) -> None:
    """Even with the other's rights on the broker."""
    connection = two.connection("acme", Role.GALLERY_ADMIN)
    of = {name: opener(KeyDirectory.open(path)) for name, path in two.key_dirs.items()}
    read = {name: await read_persons(connection, ACME, of[name], exact_ends=True) for name in of}
    named = {name: {person.person_id for person in read[name].enrolled()} for name in of}
    assert GWENS in named["acme"]
    assert named["zoo"] == {None}


async def test_what_one_account_asks_for_is_on_no_bill_but_its_own(two: TwoAccounts) -> None:
    before = {account: await two.bill(account) for account in ("acme", "zoo")}
    await seen(two, "acme", "desk-5")
    after = {account: await two.bill(account) for account in ("acme", "zoo")}
    assert after["zoo"] == before["zoo"]
    assert after["acme"].billed == before["acme"].billed + 3
    with pytest.raises(BrokerRefusedError, match=r"lacks Read on topic facestreams\.acme\.running-log"):
        await two.bill("acme", by="zoo")


async def test_a_record_of_one_account_does_not_open_in_the_other(two: TwoAccounts) -> None:
    """Copied byte by byte, to the same partition, by who may write everywhere."""
    stored = await two.records(ACME, FACE_FEATURES, lambda found: len(keys_and_features(found)) >= 2)
    async with two.writing(two.secured.connection(ADMIN, MUTUAL)) as producer:
        for record in keys_and_features(stored):
            await producer.send_and_wait(
                ZOO.name(FACE_FEATURES),
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
    errors = await two.records(ZOO, ERROR_LOG, lambda found: len(of_the_view(found)) >= 1)
    assert {each["return_code"] for each in of_the_view(errors)} == {"bad_seal"}
    assert await seen(two, "zoo", "desk-6") == [None] * 3


def keys_and_features(records: Sequence) -> list:
    return [record for record in records if record.value and b"/" in (record.key or b"")]


def of_the_view(records: Sequence) -> list[dict]:
    values = [json.loads(record.value) for record in records if record.value]
    return [value for value in values if value["request_interface"] == "view"]


async def test_each_account_is_a_process_and_one_that_dies_is_started_again(two: TwoAccounts) -> None:
    first, other = two.child("acme"), two.child("zoo")
    os.kill(first, signal.SIGKILL)
    assert await seen(two, "zoo", "desk-7") == [None] * 3
    await two.ready()
    assert two.child("acme") != first
    assert two.child("zoo") == other
    assert await seen(two, "acme", "desk-7") == [GWENS] * 3
    log = [json.loads(line) for line in two.worker.log().splitlines() if line.startswith("{")]
    assert [line["account"] for line in log if line["event"] == "a worker ended and is started again"] == ["acme"]
    assert {line["account"] for line in log if line["event"] == "worker started"} == {"acme", "zoo"}
