"""Requests that fail in every way, through the real lanes, recogniser and outlet, with everything logged."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord, TopicPartition

from models.errors import PictureError
from models.vision.decode import OpenCVDecoder
from streams.agents.pool import Pool
from streams.audit.pictures import Shingles, marker_in, spellings
from streams.cli.logging_setup import set_up_log
from streams.edge.commands import Command
from streams.engine.lanes.lane import Lane
from streams.engine.lanes.lanes import Lanes
from streams.engine.lease import Lease
from streams.engine.outlet import DirectOutlet, Outlet, Output, OutputTooLargeError
from streams.engine.request import Request

pytestmark = pytest.mark.usefixtures("log_as_before")

PIXELS = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
JPEG = cv2.imencode(".jpg", PIXELS)[1].tobytes()
SPOILED = JPEG[:700] + random.Random(2).randbytes(300) + JPEG[1000:]
KNOWN = Shingles(way for picture in (JPEG, SPOILED, PIXELS.tobytes()) for way in spellings(picture))


@dataclass
class Recogniser:
    """Ends in another way for each camera."""

    pool: Pool
    failed: list[str] = field(default_factory=list)

    async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        picture, way = request.value or b"", (request.key or b"").decode()
        if way == "refused":
            await outlet.publish([Output(topic="too-small", key=request.key, value=picture)])
        elif way == "away":
            await outlet.publish([Output(topic="away", key=request.key, value=picture)])
        else:
            await self.pool.run(lambda: WAYS[way](picture))

    async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
        self.failed.append(type(error).__name__)


def decoder_refuses(picture: bytes) -> None:
    with pytest.raises(PictureError) as caught:
        OpenCVDecoder(max_bytes=1_000_000, max_pixels=1_000_000).decode(picture[:900])
    raise caught.value


def opencv_fails(picture: bytes) -> None:
    cv2.cvtColor(np.frombuffer(picture, np.uint8), cv2.COLOR_BGR2GRAY)


def a_text_is_none(picture: bytes) -> None:
    picture.decode()


def the_culprit_is_named(picture: bytes) -> None:
    raise ValueError(picture, PIXELS)


def all_at_once(picture: bytes) -> None:
    raise ExceptionGroup("several", [ValueError(picture), KeyError(picture)])


WAYS: dict[str, Callable[[bytes], None]] = {
    "decoder": decoder_refuses,
    "opencv": opencv_fails,
    "text": a_text_is_none,
    "named": the_culprit_is_named,
    "group": all_at_once,
}


async def send(output: Output) -> asyncio.Future:
    answer = asyncio.get_running_loop().create_future()
    refusal = MessageSizeTooLargeError if output.topic == "too-small" else KafkaError
    answer.set_exception(refusal(f"{output.topic}: {output.value!r}"))
    return answer


async def fail_all(*ways: str) -> tuple[list[str], list[BaseException]]:
    lease = Lease(session_timeout_s=1000, rebalance_timeout_s=1000)
    lease.assign(1)
    fatal: list[BaseException] = []
    handler = Recogniser(Pool(1, timeout_s=60, fatal=fatal.append))
    lanes = Lanes(
        {"frames": handler},
        outlet=lambda _topic, _partition, generation: DirectOutlet(send, lease, generation, timeout_s=0.3),
        lease=lease,
        acknowledge=lambda _token: None,
        abandon=lambda _token: None,
        fatal=fatal.append,
        max_in_flight=8,
        max_lanes=8,
    )
    for offset, way in enumerate(ways):
        headers = (("frame_id", SPOILED[:500]),)
        await lanes.submit(Request("frames", 0, offset, 1000, way.encode(), SPOILED, headers, 1, token=offset))
    await lanes.drain()
    handler.pool.close()
    return handler.failed, fatal


async def test_no_way_to_fail_writes_a_picture(capsys) -> None:
    set_up_log("debug")
    failed, fatal = await fail_all(*WAYS, "refused")
    log = capsys.readouterr().err
    assert sorted(failed) == sorted(
        ["PictureError", "error", "UnicodeDecodeError", "ValueError", "ExceptionGroup", OutputTooLargeError.__name__]
    )
    assert fatal == []
    assert log.count('"event": "request failed"') == 3 * len(failed)
    assert '"event": "output refused, trying again"' in log
    assert (KNOWN.offset_in(log.encode()), marker_in(log.encode())) == (None, None)


async def test_a_broker_that_takes_nothing_ends_the_worker_without_showing_what_it_did_not_take(capsys) -> None:
    set_up_log("debug")
    _failed, [error] = await fail_all("away")
    assert KNOWN.offset_in(repr(error).encode()) is not None, "what it says is the Kafka client's"
    structlog.get_logger("worker").error("worker ended", error=repr(error), exc_info=error)
    log = capsys.readouterr().err
    assert "PublishTimeoutError" in log
    assert KNOWN.offset_in(log.encode()) is None


def test_what_may_be_logged_of_a_request_shows_no_picture(capsys) -> None:
    set_up_log("debug")
    ours = [
        Request("frames", 0, 1, 1000, b"lobby", JPEG, (), 1),
        Output(topic="out", key=b"lobby", value=JPEG, headers=(("h", JPEG),)),
        Command(command="enroll", person_id="ada", picture=JPEG),
    ]
    assert [each for each in ours if KNOWN.offset_in(repr(each).encode()) is not None] == []
    theirs = ConsumerRecord("frames", 0, 1, 1000, 0, b"lobby", JPEG, None, 5, len(JPEG), ())
    assert KNOWN.offset_in(repr(theirs).encode()) is not None, "the Kafka client's own shows all"
    logging.getLogger("faust").error("dropped %r of %r", theirs, TopicPartition("frames", 0))
    log = capsys.readouterr().err
    assert f"<{len(JPEG)} bytes>" in log
    assert KNOWN.offset_in(log.encode()) is None
