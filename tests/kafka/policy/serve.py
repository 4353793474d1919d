"""What the deployment serves before it is audited: people before cameras, enrollments, deletions and faults."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from aiokafka import AIOKafkaProducer

from streams.demo.cast import CAST, Person
from streams.demo.film import CAMERAS, enrollment_picture, film
from streams.edge.client import GalleryClient
from streams.edge.commands import Command
from streams.wire.codes import Code
from streams.wire.records import Receipt
from streams.wire.topics import CAMERA_FRAMES, FACE_FEATURES, GALLERY_COMMANDS, RUNNING_LOG
from tests.kafka.policy.ground import Ground
from tests.kafka.policy.topics import PATIENCE_S, Hand

ENROLLED: Final = tuple(person for person in CAST if person.enrolled)
FORGOTTEN: Final = ENROLLED[0].person_id
VIP: Final = "vip"
PLACES: Final = (*((person, None) for person in ENROLLED), *((person, VIP) for person in ENROLLED[:2]))
"""All in the default gallery, and two of them in another as well."""

RECEIPT_S: Final = 120.0
PICTURES_A_CAMERA: Final = 60

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Served:
    """frames, commands: that were sent. codes: of all of them, from the running log; expected: what these should be.
    erased: the records of face-features that the deletion of a person took away. receipts: of all deletions."""

    frames: int
    commands: int
    codes: Counter[str]
    expected: Counter[str]
    erased: Sequence[Any]
    receipts: Sequence[Receipt]


async def serve(ground: Ground, frames: int) -> Served:
    """Serve so many frames; a worker must run. It is killed in the middle, and another takes its place."""
    hand = Hand(ground.connection, ground.topics)
    async with GalleryClient(ground.connection, ground.topics, timeout_s=PATIENCE_S) as client:
        expected = await _enroll(client, PLACES)
        expected += await _film(ground, range(frames // 2))
        ground.kill()
        rest = asyncio.create_task(_film(ground, range(frames // 2, frames)))
        await ground.start()
        expected += await rest
        expected += await _bad_commands(ground)
        before = await hand.records(FACE_FEATURES)
        receipts = await _delete(client)
        expected += Counter({Code.FORGETTING: len(receipts), Code.ENROLLED: 1})
    requests = expected.total()
    codes = await _codes(hand, requests)
    after = {record.key for record in await hand.records(FACE_FEATURES) if record.value}
    erased = [each for each in before if each.value and each.key not in after]
    return Served(frames, requests - frames, codes, expected, erased, receipts)


async def _enroll(client: GalleryClient, places: Sequence[tuple[Person, str | None]]) -> Counter[str]:
    """Each in this gallery, None for the default one; what comes of it."""
    for person, gallery in places:
        answer = await client.enroll(
            person.person_id,
            enrollment_picture(person),
            gallery=gallery,
            consent="form-7",
            consent_basis="of_age",
        )
        if not answer.accepted:
            raise RuntimeError(f"{person.person_id} was not enrolled: {answer.code}")
    return Counter({Code.ENROLLED: len(places)})


async def _delete(client: GalleryClient) -> list[Receipt]:
    """A person, who is enrolled again a moment later, and a gallery as a whole."""
    asked = [await client.ask(Command(command="forget", person_id=FORGOTTEN))]
    await _enroll(client, [(ENROLLED[0], None)])
    asked += [await client.ask(Command(command="forget_gallery", gallery=VIP))]
    return [await client.receipt(answer.request_id, timeout_s=RECEIPT_S) for answer in asked]


async def _film(ground: Ground, numbers: range) -> Counter[str]:
    """Four of five are good, PNG and WebP among them; every fifth is a fault of some kind. What should come of them."""
    requests = list(itertools.islice(_requests(), numbers.start, numbers.stop))
    producer = AIOKafkaProducer(**ground.connection.client_options(), max_request_size=ground.topics.max_record_bytes)
    await producer.start()
    try:
        sends = [
            await producer.send(ground.topics.name(CAMERA_FRAMES), value, key=camera.encode(), headers=headers)
            for camera, value, headers, _code in requests
        ]
        await asyncio.gather(*sends)
    finally:
        await producer.stop()
    return Counter(code for *_request, code in requests)


def _requests() -> Iterator[tuple[str, bytes, Headers, Code]]:
    """Camera, picture, headers, and what should come of it."""
    reels = {camera: _reel([frame.jpeg for frame in film(camera, PICTURES_A_CAMERA)]) for camera in CAMERAS}
    faults = itertools.cycle(_faults(png=reels["desk"][0], jpeg=reels["desk"][-1]))
    for number, camera in enumerate(itertools.cycle(reels)):
        if number % 5 == 4:
            yield (camera, *next(faults))
        else:
            reel = reels[camera]
            picture = reel[number // len(reels) % len(reel)]
            yield camera, picture, [("request_ip", b"192.0.2.7"), ("uin", b"u-1")], Code.OK


def _reel(jpegs: Sequence[bytes]) -> list[bytes]:
    """The first of them as PNG and as WebP, then all as they are."""
    pixels = cv2.imdecode(np.frombuffer(jpegs[0], np.uint8), cv2.IMREAD_COLOR)
    return [*(cv2.imencode(suffix, pixels)[1].tobytes() for suffix in (".png", ".webp")), *jpegs]


def _faults(*, png: bytes, jpeg: bytes) -> list[tuple[bytes, Headers, Code]]:
    return [
        (jpeg[: len(jpeg) // 2], [], Code.TRUNCATED_PICTURE),
        (png[:-100], [], Code.TRUNCATED_PICTURE),
        (jpeg[:20] + bytes(len(jpeg) - 20), [], Code.NOT_A_PICTURE),
        (b"no picture at all", [], Code.NOT_A_PICTURE),
        (b"", [], Code.EMPTY_PICTURE),
        (jpeg, [("account", b"zoo")], Code.WRONG_ACCOUNT),
        (jpeg, [("region", b"mars")], Code.WRONG_REGION),
        (jpeg, [("gallery", b"nobody's")], Code.GALLERY_NOT_ALLOWED),
        (jpeg, [("captured_at_ms", b"yesterday")], Code.BAD_HEADER),
    ]


async def _bad_commands(ground: Ground) -> Counter[str]:
    """Refused, each for another reason; with which."""
    picture = enrollment_picture(next(person for person in CAST if not person.enrolled))
    enroll, consent = ("command", b"enroll"), ("consent", b"form-8")
    commands: list[tuple[bytes, Headers, Code]] = [
        (picture, [enroll], Code.NO_CONSENT),
        (picture, [enroll, consent, ("consent_basis", b"hearsay")], Code.NO_CONSENT),
        (picture[:500], [enroll, consent, ("consent_basis", b"of_age")], Code.BAD_PICTURE),
        (picture, [("command", b"sell")], Code.UNKNOWN_COMMAND),
        (b"", [("command", b"forget"), ("region", b"mars")], Code.WRONG_REGION),
        (b"", [("command", b"forget")], Code.UNKNOWN_PERSON),
    ]
    producer = AIOKafkaProducer(**ground.connection.client_options(), max_request_size=ground.topics.max_record_bytes)
    await producer.start()
    try:
        for value, headers, _code in commands:
            await producer.send_and_wait(ground.topics.name(GALLERY_COMMANDS), value, key=b"zoe", headers=headers)
    finally:
        await producer.stop()
    return Counter(code for *_command, code in commands)


async def _codes(hand: Hand, requests: int) -> Counter[str]:
    """What became of every request, once each has an entry."""
    deadline = time.monotonic() + RECEIPT_S
    while True:
        entries = {record.key: json.loads(record.value) for record in await hand.records(RUNNING_LOG) if record.value}
        if len(entries) >= requests:
            return Counter(entry["return_code"] for entry in entries.values())
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(entries)} of {requests} requests are answered")
        await asyncio.sleep(1.0)
