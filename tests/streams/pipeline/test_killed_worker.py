"""Two workers share six cameras; one is killed in the middle: order is kept, nothing is lost."""

import asyncio
from collections import defaultdict

import aiohttp
import pytest

from streams.demo.film import film
from streams.demo.worker_process import WorkerProcess, free_port

from .conftest import environment

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240), pytest.mark.parametrize("broker", ["kafka"], indirect=True)]

CAMERAS = [b"camera-%d" % number for number in range(6)]
FRAMES = 50
FRAMES_PER_S = 10
KILL_AT = 20


async def recognised(process: WorkerProcess) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{process.port}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("facestreams_frames_total{"))


@pytest.fixture
def processes(broker, settings, key_dir):
    given = environment(broker, settings.connection(), settings.topics(), key_dir)
    started = [WorkerProcess({**given, "FACESTREAMS_HTTP_PORT": str(free_port())}) for _ in range(2)]
    yield started
    for process in started:
        process.kill()


async def test_order_is_kept_and_nothing_is_lost(bench, processes) -> None:
    for process in processes:
        await process.ready()
    reel = [frame.jpeg for frame in film("gate", FRAMES)]
    recognitions, running = await bench.tap("recognitions"), await bench.tap("running-log")
    clock = asyncio.get_running_loop()
    begun, sent = clock.time(), []
    for number, jpeg in enumerate(reel):
        await asyncio.sleep(max(0.0, begun + number / FRAMES_PER_S - clock.time()))
        sent += await asyncio.gather(*(bench.publish(jpeg, key, frame_id=str(number)) for key in CAMERAS))
        if number == KILL_AT:
            assert all([await recognised(process) > 0 for process in processes]), "one worker had nothing to do"
            processes[0].kill()
    places = {(each.partition, each.offset) for each in sent}

    def place(value: dict) -> tuple[int, int]:
        partition, offset = value["event_id"].split("-")[-2:]
        return int(partition), int(offset)

    await recognitions.until(lambda values: {place(value) for value in values} >= places, "all frames")
    await running.until(lambda values: {place(value) for value in values} >= places, "all log entries")
    assert {place(value) for value in recognitions.values} == places

    seen: dict[str, list[int]] = defaultdict(list)
    for value in recognitions.values:
        number = int(value["frame_id"])
        if number not in seen[value["camera_id"]]:
            seen[value["camera_id"]].append(number)
    assert seen == {key.decode(): list(range(FRAMES)) for key in CAMERAS}

    billed = {value["event_id"]: value["billed"] for value in running.values}
    assert all(value["billed"] == billed[value["event_id"]] for value in running.values)
    assert all(key == value["event_id"] for key, _, value in running.records)


async def test_a_stopped_worker_ends_in_order_and_hands_its_cameras_on(bench, processes) -> None:
    for process in processes:
        await process.ready()
    recognitions = await bench.tap("recognitions")
    jpeg = next(iter(film("gate", 1))).jpeg
    for key in CAMERAS:
        await bench.publish(jpeg, key)
    await recognitions.count(len(CAMERAS))
    assert await asyncio.to_thread(processes[0].stop) == 0
    for key in CAMERAS:
        await bench.publish(jpeg, key)
    values = await recognitions.count(2 * len(CAMERAS))
    assert len({value["event_id"] for value in values}) == len(values) == 2 * len(CAMERAS)
