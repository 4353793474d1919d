import asyncio
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer

from streams.cli.exit_codes import ExitCode
from streams.edge.broker import started_consumer
from streams.wire.connection import Connection
from streams.wire.headers import frame_headers
from streams.wire.topics import CAMERA_FRAMES, Topics

pytestmark = pytest.mark.broker


def read(connection: Connection, topics: Topics, count: int) -> list[object]:
    async def messages() -> list[object]:
        consumer: AIOKafkaConsumer = await started_consumer(connection, topics.name(CAMERA_FRAMES), from_beginning=True)
        try:
            async with asyncio.timeout(20):
                return [await consumer.getone() for _ in range(count)]
        finally:
            await consumer.stop()

    return asyncio.run(messages())


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for number in range(5):
        writer.write(np.full((48, 64, 3), 40 * number, np.uint8))
    writer.release()
    return path


def test_a_video_is_published_frame_by_frame(facestreams, connection: Connection, topics: Topics, video: Path) -> None:
    code, out, err = facestreams("publish", video, "--camera", "lobby", "--fps", "0", "--gallery", "vip")

    assert (code, err) == (ExitCode.DONE, "")
    assert out.startswith(f"5 frames of {video} as camera lobby: ")
    assert out.endswith(", 0 refused for their size\n")
    messages = read(connection, topics, 5)
    assert {message.key for message in messages} == {b"lobby"}
    assert [frame_headers(message.headers).frame_id for message in messages] == ["0", "1", "2", "3", "4"]
    assert {frame_headers(message.headers).gallery for message in messages} == {"vip"}


def test_so_many_frames_of_a_loop(facestreams, connection: Connection, topics: Topics, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode())

    code, out, _ = facestreams("publish", tmp_path, "--camera", "gate", "--loop", "--frames", "5")

    assert code == ExitCode.DONE
    assert out.startswith("5 frames")
    assert [message.value for message in read(connection, topics, 5)] == [b"a.png", b"b.png"] * 2 + [b"a.png"]


def test_a_picture_above_the_limit_is_said_and_the_rest_goes_on(
    facestreams, connection: Connection, topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESTREAMS_MAX_PICTURE_BYTES", "2000")
    for name, size in (("a.png", 10), ("b.png", 2001), ("c.png", 20)):
        (tmp_path / name).write_bytes(bytes(size))

    code, out, err = facestreams("publish", tmp_path, "--camera", "gate")

    assert code == ExitCode.REFUSED
    assert err == "frame 1: picture of 2001 bytes, the limit is 2000 (FACESTREAMS_MAX_PICTURE_BYTES)\n"
    assert out.startswith("2 frames")
    assert out.endswith(", 1 refused for their size\n")
    assert [len(message.value) for message in read(connection, topics, 2)] == [10, 20]


def test_a_source_that_is_not_there(facestreams, tmp_path: Path) -> None:
    code, out, err = facestreams("publish", tmp_path / "none.mp4", "--camera", "gate")

    assert (code, out) == (ExitCode.SOURCE, "")
    assert err == f"facestreams: {tmp_path}/none.mp4: no such file or directory\n"


def test_missing_topics_are_a_wrong_deployment(facestreams, connection: Connection, video: Path) -> None:
    code, _, err = facestreams(
        "--bootstrap-servers", connection.bootstrap_servers, "--prefix", "none", "publish", video, "--camera", "gate"
    )

    assert code == ExitCode.DEPLOYMENT
    assert err == "facestreams: topic none.main.camera-frames does not exist: run `facestreams topics create`\n"


def test_a_loop_ends_in_order_when_told_to(started, connection: Connection, topics: Topics, video: Path) -> None:
    process = started("publish", video, "--camera", "lobby", "--loop", "--fps", "50")
    read(connection, topics, 12)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (ExitCode.DONE, "")
    published = int(out.split()[0])
    assert published >= 12
    assert len(read(connection, topics, published)) == published
