"""Enrollment, forgetting, and the gallery that every worker rebuilds from the topic."""

import cv2
import numpy as np
import pytest
from msgspec import structs

from streams.logs.error import WITHHELD
from streams.settings.gallery_rules import GalleryRules
from streams.wire.headers import Caller

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

CONSENT = {"consent": "form-7", "consent_basis": "of_age"}
HEADERS = [("command", b"enroll"), ("consent", b"form-7"), ("consent_basis", b"guardian")]


def blank() -> bytes:
    return cv2.imencode(".png", np.full((200, 200, 3), 127, np.uint8))[1].tobytes()


def beside(one: bytes, other: bytes) -> bytes:
    pictures = [cv2.resize(cv2.imdecode(np.frombuffer(raw, np.uint8), 1), (400, 400)) for raw in (one, other)]
    return cv2.imencode(".png", np.hstack(pictures))[1].tobytes()


def blurred(one: bytes) -> bytes:
    picture = cv2.imdecode(np.frombuffer(one, np.uint8), 1)
    return cv2.imencode(".png", cv2.GaussianBlur(picture, (0, 0), 12))[1].tobytes()


async def test_every_answer_has_its_code(bench, portraits) -> None:
    await bench.worker()
    events, errors = await bench.tap("gallery-events"), await bench.tap("error-log")
    running = await bench.tap("running-log")
    ada = portraits["ada"]
    cases = [
        ("enrolled", ada, b"ada", HEADERS),
        ("looks_like_another_person", ada, b"eve", HEADERS),
        ("no_face", blank(), b"ben", HEADERS),
        ("several_faces", beside(ada, portraits["gwen"]), b"ben", HEADERS),
        ("low_quality", blurred(ada), b"ben", HEADERS),
        ("bad_picture", ada[: len(ada) // 2], b"ben", HEADERS),
        ("no_consent", ada, b"ben", HEADERS[:1] + HEADERS[2:]),
        ("no_consent", ada, b"ben", [*HEADERS[:2], ("consent_basis", b"because")]),
        ("bad_key", ada, b"ben", [*HEADERS, ("person_id", b"carl")]),
        ("bad_key", ada, None, HEADERS),
        ("bad_header", ada, b"ben", [*HEADERS, ("gallery", b"\xff")]),
        ("wrong_account", ada, b"ben", [*HEADERS, ("account", b"other")]),
        ("wrong_region", ada, b"ben", [*HEADERS, ("region", b"us")]),
        ("gallery_not_allowed", ada, b"ben", [*HEADERS, ("gallery", b"nowhere")]),
        ("unknown_command", ada, b"ben", [("command", b"shred")]),
        ("unknown_command", ada, b"ben", []),
        ("unknown_person", b"", b"ben", [("command", b"forget")]),
        ("enrolled", portraits["carl"], b"ada", [*HEADERS, ("gallery", b"vip")]),
        ("forgetting", b"", b"ada", [("command", b"forget")]),
    ]
    for number, (code, value, key, headers) in enumerate(cases):
        readable = code != "bad_header"
        await bench.command(value, key, [*headers, ("request_id", b"r%d" % number)])
        answers = await events.count(number + 1)
        assert answers[-1]["code"] == code, (number, answers[-1])
        assert answers[-1]["accepted"] == (code in ("enrolled", "forgetting"))
        if readable:
            assert events.records[-1][0] == f"r{number}" == answers[-1]["request_id"]
    entries = await running.count(len(cases))
    assert sorted(entry["return_code"] for entry in entries) == sorted(code for code, *_ in cases)
    refused = [code for code, *_ in cases if code not in ("enrolled", "forgetting")]
    logged = await errors.until(lambda values: sum(v["repeats"] for v in values) >= len(refused), "every refusal")
    raw = str(logged) + str(events.values)
    assert "'ada'" not in raw
    assert "'ben'" not in raw


async def test_a_sealed_bit_string_and_the_consent_are_all_that_is_stored(bench, portraits) -> None:
    await bench.worker()
    await bench.client.enroll("ada", portraits["ada"], **CONSENT)
    [person] = (await bench.persons()).enrolled()
    [feature] = person.features
    assert (person.person_id, person.gallery) == ("ada", "default")
    assert (feature.opens, feature.consent, feature.consent_basis) == (True, "form-7", "of_age")
    stored = await bench.tap_raw("face-features")
    sealed = [message for message in stored if message.key.count(b"/") == 2]
    assert [len(message.value) for message in sealed] == [1 + 12 + 128 + 16]
    assert not any(b"ada" in message.key + message.value for message in stored)


async def test_a_worker_that_starts_later_rebuilds_the_gallery_from_the_topic(bench, desk, portraits) -> None:
    first = await bench.worker()
    await bench.client.enroll("gwen", portraits["gwen"], **CONSENT)
    await first.stop()
    await bench.worker()
    recognitions = await bench.tap("recognitions")
    await bench.publish(desk[0])
    [record] = await recognitions.count(1)
    assert record["faces"][0]["match"]["person_id"] == "gwen"


async def test_forgetting_reaches_every_worker(bench, portraits) -> None:
    workers = [await bench.worker(), await bench.worker()]
    await bench.client.enroll("gwen", portraits["gwen"], **CONSENT)
    for worker in workers:
        await bench.metric(worker, 'facestreams_gallery_features{gallery="default"}', 1)
    answer = await bench.client.forget("gwen")
    assert (answer.code, answer.features) == ("forgetting", 1)
    for worker in workers:
        await bench.metric(worker, 'facestreams_gallery_features{gallery="default"}', 0)
        await bench.metric(worker, 'facestreams_gallery_persons{gallery="default"}', 0)
    assert (await bench.client.forget("gwen")).code == "unknown_person"


async def seen_by(bench, jpeg: bytes, *cameras: str) -> list[str | None]:
    """Whom each of these cameras, which have sent nothing before, sees on its first frame."""
    recognitions = await bench.tap("recognitions")
    for camera in cameras:
        await bench.publish(jpeg, key=camera.encode())
    await recognitions.until(lambda values: {each["camera_id"] for each in values} >= set(cameras), "each camera")
    of_camera = {each["camera_id"]: each["faces"][0]["match"]["person_id"] for each in recognitions.values}
    return [of_camera[camera] for camera in cameras]


async def test_a_person_is_forgotten_in_every_gallery_or_in_the_one_that_is_named(bench, desk, portraits) -> None:
    await bench.worker()
    for gallery in ("default", "vip"):
        await bench.client.enroll("gwen", portraits["gwen"], gallery=gallery, **CONSENT)
    assert await seen_by(bench, desk[0], "lobby-1", "vault-1") == ["gwen", "gwen"]
    answer = await bench.client.forget("gwen", gallery="vip")
    assert (answer.code, answer.features, answer.gallery) == ("forgetting", 1, "vip")
    assert await seen_by(bench, desk[0], "lobby-2", "vault-2") == ["gwen", None]
    await bench.client.enroll("gwen", portraits["gwen"], gallery="vip", **CONSENT)
    answer = await bench.client.forget("gwen")
    assert (answer.code, answer.gallery) == ("forgetting", None)
    assert answer.features in (2, 3)  # one of them may be what the first deletion has not erased yet
    assert await seen_by(bench, desk[0], "lobby-3", "vault-3") == [None, None]
    assert (await bench.client.forget("gwen")).code == "unknown_person"
    await bench.client.enroll("gwen", portraits["gwen"], gallery="vip", **CONSENT)
    assert await seen_by(bench, desk[0], "lobby-4", "vault-4") == [None, "gwen"]


@pytest.mark.parametrize("broker", ["embedded"], indirect=True)
async def test_a_receipt_counts_every_gallery_also_those_that_no_camera_searches_any_more(bench, portraits) -> None:
    first = await bench.worker()
    for person, gallery in (("gwen", "default"), ("gwen", "vip"), ("carl", "vip"), ("ada", "vip")):
        await bench.client.enroll(person, portraits[person], gallery=gallery, **CONSENT)
    await first.stop()
    await bench.worker(structs.replace(bench.settings, galleries=GalleryRules("*=default")))
    of_carl = await bench.client.forget("carl", gallery="vip")
    of_gwen = await bench.client.forget("gwen")
    receipts = [await bench.client.receipt(each.request_id) for each in (of_carl, of_gwen)]
    counted = [(each.gallery, each.person, each.persons, each.features) for each in receipts]
    assert counted == [("vip", of_carl.person, 1, 1), (None, of_gwen.person, 2, 2)]
    assert [(each.person_id, each.gallery) for each in (await bench.persons()).enrolled()] == [("ada", "vip")]
    answer = await bench.client.forget_gallery("vip")
    assert (await bench.client.receipt(answer.request_id)).features == 1
    assert (await bench.persons()).enrolled() == []
    assert (await bench.client.forget_gallery("vip")).code == "gallery_not_allowed"


@pytest.mark.parametrize("broker", ["embedded"], indirect=True)
async def test_the_error_log_withholds_the_id_of_who_is_in_a_gallery_that_no_camera_searches(bench, portraits) -> None:
    first = await bench.worker()
    await bench.client.enroll("ada", portraits["ada"], gallery="vip", **CONSENT)
    await first.stop()
    await bench.worker(structs.replace(bench.settings, galleries=GalleryRules("*=default")))
    assert (await bench.client.forget("nobody", caller=Caller(uin="ada", sub_uin="bob"))).code == "unknown_person"
    [entry] = await (await bench.tap("error-log")).count(1)
    assert (entry["uin"], entry["sub_uin"]) == (WITHHELD, "bob")


async def test_a_followed_person_is_not_named_after_it_was_forgotten(bench, desk, portraits) -> None:
    await bench.worker()
    await bench.client.enroll("gwen", portraits["gwen"], **CONSENT)
    recognitions = await bench.tap("recognitions")
    for jpeg in desk[:5]:
        await bench.publish(jpeg)
    assert {r["faces"][0]["match"]["person_id"] for r in await recognitions.count(5)} == {"gwen"}
    await bench.client.forget("gwen")
    for jpeg in desk[5:10]:
        await bench.publish(jpeg)
    assert {r["faces"][0]["match"]["person_id"] for r in (await recognitions.count(10))[5:]} == {None}


async def test_a_stored_feature_that_does_not_open_is_logged_and_the_next_is_taken(bench, desk, portraits) -> None:
    worker = await bench.worker()
    await bench.client.enroll("gwen", portraits["gwen"], **CONSENT)
    errors = await bench.tap("error-log")
    topic = bench.settings.topics().name("face-features")
    [stored] = [each for each in await bench.tap_raw("face-features") if each.key.count(b"/") == 2]
    altered = stored.value[:-1] + bytes([stored.value[-1] ^ 1])
    await bench.producer.send_and_wait(
        topic, altered, key=stored.key + b"x", headers=list(stored.headers), partition=stored.partition
    )
    await bench.producer.send_and_wait(topic, b"?", key=b"no such form", partition=stored.partition)
    await bench.metric(worker, 'facestreams_record_refusals_total{code="bad_seal"}', 1)
    logged = await errors.count(2)
    assert sorted((each["request_interface"], each["return_code"]) for each in logged) == [
        ("view", "bad_record"),
        ("view", "bad_seal"),
    ]
    assert (await bench.client.enroll("carl", portraits["carl"], **CONSENT)).code == "enrolled"
    recognitions = await bench.tap("recognitions")
    await bench.publish(desk[0])
    [record] = await recognitions.count(1)
    assert record["faces"][0]["match"]["person_id"] == "gwen"
