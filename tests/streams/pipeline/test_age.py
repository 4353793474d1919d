"""Frames over the age limit: skipped, each with its entry, but for those that an earlier worker may have recognised."""

import pytest

from streams.engine.topics import admin
from streams.settings import Settings
from streams.wire import records
from streams.wire.records import RunningLogEntry

from .conftest import Bench, environment

pytestmark = pytest.mark.broker


def entry(event_id: str, code: str) -> bytes:
    """As an earlier worker left it."""
    return records.encode(
        RunningLogEntry(
            event_id=event_id,
            request_interface="recognize",
            account="main",
            app_id="77",
            uin=None,
            sub_uin=None,
            region="eu",
            request_ip=None,
            request_id=None,
            camera_id="lobby",
            gallery=None,
            requested_at_ms=1,
            accessed_at_ms=2,
            billed=code == "ok",
            return_code=code,
            persons=[],
            results=[],
        )
    )


async def test_what_was_done_before_is_done_again_and_the_rest_is_skipped(
    bench: Bench, broker, connection, topics, key_dir, desk
) -> None:
    epochs = await admin.epochs(connection, topics)
    frames = [await bench.publish(desk[number]) for number in range(6)]
    partition = frames[0].partition
    done_before = ["ok", "too_old", "ok"]
    for sent, code in zip(frames, done_before, strict=False):
        event_id = f"{epochs['camera-frames']}-camera-frames-{partition}-{sent.offset}"
        await bench.producer.send_and_wait(
            topics.name("running-log"), entry(event_id, code), event_id.encode(), partition=partition
        )
    limited = environment(broker, connection, topics, key_dir) | {"FACESTREAMS_MAX_FRAME_AGE_S": "0.05"}
    running, recognitions = await bench.tap("running-log"), await bench.tap("recognitions")
    worker = await bench.worker(Settings.from_environment(limited))

    entries = (await running.count(len(done_before) + len(frames)))[len(done_before) :]
    by_offset = {int(each["event_id"].rsplit("-", 1)[1]): each for each in entries}
    assert [by_offset[sent.offset]["return_code"] for sent in frames] == ["ok", "too_old", "ok"] + ["too_old"] * 3
    assert [by_offset[sent.offset]["billed"] for sent in frames] == [True, False, True] + [False] * 3
    assert len(await recognitions.count(2)) == 2
    await bench.metric(worker, 'facestreams_camera_frames_skipped_total{camera="lobby"}', 4)
    assert await bench.tap_raw("error-log") == []
