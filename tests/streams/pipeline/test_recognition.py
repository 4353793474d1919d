"""From a frame on its topic to the records that follow from it."""

import asyncio
import io
import re
import socket

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from PIL import Image

from streams.agents.opened_log import Opener
from streams.engine.errors import StartError
from streams.wire.records import Recognition, RunningLogEntry

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

CONSENT = {"consent": "form-7", "consent_basis": "of_age"}


async def test_a_jpeg_with_only_a_key_gets_a_recognitions_record(bench, desk) -> None:
    await bench.worker()
    recognitions, running = await bench.tap("recognitions"), await bench.tap("running-log")
    sent = await bench.publish(desk[0])
    [record] = await recognitions.count(1)
    [entry] = await running.count(1)

    assert recognitions.records[0][0] == "lobby"
    assert re.fullmatch(rf"[0-9a-f]{{8}}-camera-frames-{sent.partition}-{sent.offset}", record["event_id"])
    assert (record["camera_id"], record["account"], record["gallery"]) == ("lobby", "main", "default")
    assert (record["frame_id"], record["captured_at_ms"]) == (None, None)
    assert record["received_at_ms"] == sent.timestamp
    assert record["frame"] == {"width_px": 640, "height_px": 360}
    [face] = record["faces"]
    assert face["match"]["status"] == "unknown"
    assert (face["match"]["person_id"], face["match"]["gallery_size"]) == (None, 0)
    assert face["track_id"] == f"{record['event_id']}.0"
    assert 0 < face["box"]["width"] < 1
    assert msgspec.convert(record, Recognition).faces[0].quality.reject_reason is None

    key, partition, _ = running.records[0]
    assert (key, partition) == (record["event_id"], sent.partition)
    assert (entry["request_interface"], entry["billed"], entry["return_code"]) == ("recognize", True, "ok")
    assert (entry["app_id"], entry["region"], entry["camera_id"]) == ("77", "eu", "lobby")
    assert [result["status"] for result in entry["results"]] == ["unknown"]


async def test_who_is_enrolled_is_named_and_headers_are_passed_on(bench, desk, portraits) -> None:
    await bench.worker()
    assert (await bench.client.enroll("gwen", portraits["gwen"], **CONSENT)).code == "enrolled"
    assert (await bench.client.enroll("carl", portraits["carl"], **CONSENT)).code == "enrolled"
    recognitions, running = await bench.tap("recognitions"), await bench.tap("running-log")
    await bench.publish(
        desk[0],
        frame_id="f-1",
        captured_at_ms="1700000000000",
        account="main",
        uin="u1",
        sub_uin="s1",
        request_ip="192.0.2.7",
        region="eu",
        traceparent=b"\xff\xff",
    )
    [record] = await recognitions.count(1)
    match = record["faces"][0]["match"]
    assert (match["status"], match["person_id"], match["gallery_size"]) == ("matched", "gwen", 2)
    assert match["similarity"] == round(match["similarity"], 2) >= match["threshold"]
    assert match["margin"] > 0
    assert match["encoded_at"] == record["event_id"]
    assert match["searched"] == "exact"
    assert (record["frame_id"], record["captured_at_ms"]) == ("f-1", 1_700_000_000_000)
    entries = await running.until(lambda values: any(v["request_interface"] == "recognize" for v in values), "an entry")
    [entry] = [value for value in entries if value["request_interface"] == "recognize"]
    assert (entry["uin"], entry["sub_uin"], entry["request_ip"]) == ("u1", "s1", "192.0.2.7")
    assert (len(entry["persons"]), "gwen" in str(entry)) == (1, False)
    persons = await bench.persons()
    opened = Opener(persons.data_keys()).open(msgspec.convert(entry, RunningLogEntry))
    assert [(named.person_id, [face.status for face in named.results]) for named in opened.persons] == [
        ("gwen", ["matched"])
    ]


REFUSALS = [
    ("not_a_picture", b"lobby", b"hello", {}),
    ("empty_picture", b"lobby", b"", {}),
    ("empty_picture", b"lobby", None, {}),
    ("truncated_picture", b"lobby", "half", {}),
    ("too_many_bytes", b"lobby", b"\xff\xd8" + bytes(4_194_304), {}),
    ("too_many_pixels", b"lobby", "bomb", {}),
    ("animated_picture", b"lobby", "animated", {}),
    ("bad_key", None, "whole", {}),
    ("bad_key", b"\xff", "whole", {}),
    ("bad_header", b"lobby", "whole", {"captured_at_ms": "yesterday"}),
    ("bad_header", b"lobby", "whole", {"frame_id": b"\xff"}),
    ("bad_header", b"lobby", "whole", {"frame_id": "x" * 257}),
    ("wrong_account", b"lobby", "whole", {"account": "other"}),
    ("wrong_region", b"lobby", "whole", {"region": "us"}),
    ("gallery_not_allowed", b"vault1", "whole", {"gallery": "default"}),
]


def picture_of(kind: str, size: tuple[int, int], frames: int = 1) -> bytes:
    pictures = [Image.new("L", size, 90 * number) for number in range(frames)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, **({"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}))
    return buffer.getvalue()


async def test_a_refused_frame_leaves_its_code_in_both_logs_and_the_next_is_recognised(bench, desk) -> None:
    await bench.worker()
    taps = {short: await bench.tap(short) for short in ("recognitions", "running-log", "error-log")}
    values = {
        "whole": desk[0],
        "half": desk[0][: len(desk[0]) // 2],
        "bomb": picture_of("PNG", (60_000, 600)),
        "animated": picture_of("WEBP", (8, 8), frames=2),
    }
    wanted: dict[tuple[int, int], str] = {}
    for code, key, value, headers in REFUSALS:
        sent = await bench.publish(values.get(value, value) if isinstance(value, str) else value, key, **headers)
        wanted[sent.partition, sent.offset] = code
    last = await bench.publish(desk[0])
    await taps["recognitions"].count(1)

    entries = await taps["running-log"].count(len(REFUSALS) + 1)
    logged = {tuple(map(int, entry["event_id"].split("-")[-2:])): entry for entry in entries}
    assert {place: logged[place]["return_code"] for place in wanted} == wanted
    assert not any(logged[place]["billed"] for place in wanted)
    errors = await taps["error-log"].until(
        lambda values: sum(value["repeats"] for value in values) >= len(REFUSALS), "every refusal in the error log"
    )
    counted: dict[str, int] = {}
    for error in errors:
        counted[error["return_code"]] = counted.get(error["return_code"], 0) + error["repeats"]
    assert counted == {code: sum(code == each[0] for each in REFUSALS) for code, *_ in REFUSALS}
    assert [record["event_id"].split("-")[-2:] for record in taps["recognitions"].values] == [
        [str(last.partition), str(last.offset)]
    ]


async def test_a_person_enters_and_leaves_when_the_camera_falls_silent(bench, desk, portraits) -> None:
    await bench.worker()
    await bench.client.enroll("gwen", portraits["gwen"], **CONSENT)
    sightings = await bench.tap("sightings")
    for jpeg in desk:
        await bench.publish(jpeg)
    [enter, left] = await sightings.count(2)
    assert (enter["event"], enter["person_id"], enter["reason"]) == ("enter", "gwen", None)
    assert (left["event"], left["reason"], left["visit_id"]) == ("exit", "silent", enter["visit_id"])
    assert left["frames"] == len(desk)
    assert left["first_seen_ms"] <= left["last_seen_ms"]
    assert left["best_similarity"] >= enter["best_similarity"]


async def test_galleries_are_apart(bench, desk, portraits) -> None:
    await bench.worker()
    await bench.client.enroll("gwen", portraits["gwen"], gallery="vip", **CONSENT)
    recognitions = await bench.tap("recognitions")
    for key, gallery in ((b"lobby", None), (b"lobby2", "vip"), (b"vault", None)):
        await bench.publish(desk[0], key, **({} if gallery is None else {"gallery": gallery}))
    records = await recognitions.count(3)
    said = {record["camera_id"]: (record["gallery"], record["faces"][0]["match"]["person_id"]) for record in records}
    assert said == {"lobby": ("default", None), "lobby2": ("vip", "gwen"), "vault": ("vip", "gwen")}


async def test_a_port_that_is_taken_ends_the_start_in_one_line(bench) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = msgspec.structs.replace(bench.settings, http_port=port)
        with pytest.raises(StartError, match=f"^FACESTREAMS_HTTP_PORT: 127.0.0.1:{port} cannot be listened on: "):
            await bench.worker(taken)


@pytest.mark.parametrize("broker", ["embedded"], indirect=True)
async def test_frames_in_one_batch_do_not_look_like_a_topic_made_anew(bench) -> None:
    """The embedded broker tells an end within the last batch: held against what was read, it is too low."""
    log = await bench.tap("running-log")
    first = await bench.worker()
    topic = bench.settings.topics().name("camera-frames")
    producer = AIOKafkaProducer(**bench.settings.connection().client_options(), linger_ms=100)
    async with producer:
        sent = [await producer.send(topic, b"no picture", key=b"lobby") for _ in range(5)]
        await asyncio.gather(*sent)
    await log.count(5)
    second = await bench.worker()
    await bench.publish(b"no picture")
    await log.count(6)
    for worker in (first, second):
        assert worker.why_not_ready() is None
        await worker.stop()
