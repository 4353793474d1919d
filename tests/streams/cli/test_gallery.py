import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.seal import seal
from models.gallery.statement import Statement
from streams.cli.exit_codes import ExitCode
from streams.edge.broker import started_consumer, started_producer
from streams.wire.connection import Connection
from streams.wire.feature_keys import FeatureKey
from streams.wire.headers import CommandHeaders, command_headers
from streams.wire.records import GalleryEvent, encode
from streams.wire.topics import FACE_FEATURES, GALLERY_COMMANDS, GALLERY_EVENTS, Topics

pytestmark = pytest.mark.broker

CONSENT = ("--consent", "form 7", "--consent-basis", "of_age")
Code = Callable[[CommandHeaders, bytes], str]


@contextmanager
def worker(connection: Connection, topics: Topics, code_of: Code) -> Iterator[list[CommandHeaders]]:
    """Answers each command, in a thread of its own, with the code that `code_of` gives."""
    taken: list[CommandHeaders] = []
    stop = threading.Event()

    async def serve() -> None:
        consumer = await started_consumer(connection, topics.name(GALLERY_COMMANDS), from_beginning=True)
        producer = await started_producer(connection, max_picture_bytes=1000)
        while not stop.is_set():
            for batch in (await consumer.getmany(timeout_ms=50)).values():
                for message in batch:
                    taken.append(command_headers(message.headers))
                    answer = _answer(taken[-1], code_of(taken[-1], message.value))
                    await producer.send_and_wait(topics.name(GALLERY_EVENTS), encode(answer))
        await producer.stop()
        await consumer.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()


def _answer(headers: CommandHeaders, code: str) -> GalleryEvent:
    return GalleryEvent(
        event_id="0000000a-gallery-commands-0-1",
        request_id=headers.request_id or "",
        account="main",
        region="eu",
        gallery=headers.gallery,
        command=headers.command,
        accepted=code in {"enrolled", "forgotten"},
        code=code,
        detail="" if code in {"enrolled", "forgotten"} else "because",
        person=None,
        features=1,
        requested_at_ms=1,
        processed_at_ms=2,
    )


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("one.jpg", "two.jpg")]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_each_picture_is_a_request_with_its_answer(
    facestreams, connection: Connection, topics: Topics, pictures: list[Path]
) -> None:
    with worker(connection, topics, lambda _headers, _picture: "enrolled") as taken:
        code, out, err = facestreams("enroll", "ada", *pictures, *CONSENT, "--gallery", "vip")

    assert (code, err) == (ExitCode.DONE, "")
    assert out == "".join(f"ada from {path}: enrolled\n" for path in pictures)
    assert [(headers.person_id, headers.gallery) for headers in taken] == [("ada", "vip")] * 2
    assert {(headers.consent, headers.consent_basis) for headers in taken} == {("form 7", "of_age")}


def test_one_refusal_is_a_refusal(facestreams, connection: Connection, topics: Topics, pictures: list[Path]) -> None:
    with worker(connection, topics, lambda _, picture: "no_face" if picture == b"one.jpg" else "enrolled"):
        code, out, _ = facestreams("enroll", "ada", *pictures, *CONSENT)

    assert code == ExitCode.REFUSED
    assert out == f"ada from {pictures[0]}: no_face (because)\nada from {pictures[1]}: enrolled\n"


def test_forget_says_what_became_of_it(facestreams, connection: Connection, topics: Topics) -> None:
    with worker(connection, topics, lambda headers, _: "forgotten" if headers.person_id == "ada" else "unknown_person"):
        assert facestreams("forget", "ada") == (ExitCode.DONE, "ada: forgotten\n", "")
        assert facestreams("forget", "bob") == (ExitCode.REFUSED, "bob: unknown_person (because)\n", "")


def test_without_a_worker_the_wait_ends(facestreams, topics: Topics) -> None:
    code, out, err = facestreams("forget", "ada", "--timeout", "0.2")

    assert (code, out) == (ExitCode.TIMEOUT, "")
    assert err.startswith("facestreams: no answer to request ")
    assert err.endswith(" within 0.2 s; is a worker running?\n")


def test_no_wait_names_the_request(facestreams, topics: Topics, pictures: list[Path]) -> None:
    code, out, _ = facestreams("enroll", "ada", pictures[0], *CONSENT, "--no-wait")

    assert code == ExitCode.DONE
    assert out.startswith(f"ada from {pictures[0]}: sent as request ")


def test_a_missing_picture_sends_nothing(facestreams, pictures: list[Path], tmp_path: Path) -> None:
    code, _, err = facestreams("enroll", "ada", pictures[0], tmp_path / "none.jpg", *CONSENT)

    assert code == ExitCode.SOURCE
    assert err == f"facestreams: {tmp_path}/none.jpg: No such file or directory\n"


def test_persons_are_listed_with_their_consent(
    facestreams, connection: Connection, topics: Topics, tmp_path: Path
) -> None:
    keys = KeyDirectory.create(tmp_path / "keys")
    listing = ("--key-dir", str(keys.path), "persons")
    assert facestreams(*listing) == (ExitCode.DONE, "", "0 enrolled\n")
    asyncio.run(_store(connection, topics, keys))

    code, out, err = facestreams(*listing)
    assert code == ExitCode.DONE
    astray, enrolled = err.splitlines()
    assert (astray.startswith("2 records of face-features are passed over"), enrolled) == (True, "2 enrolled")
    assert out == (
        f"default/{STRANGE} (its key record is missing or does not open): 1 feature\n"
        "default/ada: 2 features, 1 of them altered, consent form 7 (of_age), model sface, key tk-1\n"
    )

    code, out, _ = facestreams(*listing, "--json")
    assert code == ExitCode.DONE
    person = json.loads(out.splitlines()[1])
    assert (person["gallery"], person["person_id"]) == ("default", "ada")
    assert [(each["feature_id"], each["opens"]) for each in person["features"]] == [("f1", True), ("f2", False)]

    code, out, err = facestreams(*listing, "--enroll-again")
    assert (code, err) == (ExitCode.DONE, f"{astray}\n2 of 2 to be enrolled again\n")
    assert [line.split(": ")[0] for line in out.splitlines()] == [
        f"default/{STRANGE} (its name cannot be read)",
        "default/ada",
    ]


ADA, STRANGE, ASTRAY = "0a" * 16, "0b" * 16, "0c" * 16


async def _store(connection: Connection, topics: Topics, keys: KeyDirectory) -> None:
    producer = await started_producer(connection, max_picture_bytes=1000)
    stated = Statement(
        key_id="tk-1",
        model_version="sface",
        quality="0.81",
        consent="form 7",
        consent_basis="of_age",
        enrolled_at_ms="1700000000000",
    )
    headers = [(name, text.encode()) for name, text in stated.texts().items()]
    place, data_key = FeatureKey("default", ADA), keys.new_data_key()
    wrapped = keys.wrap(PersonSecret(data_key, "ada").encode(), place=place.encode())
    features = [FeatureKey("default", ADA, f"f{number}") for number in (1, 2)]
    sealed = [seal(data_key, b"b" * 128, place=each.encode(), stated=stated) for each in features]
    stored = [
        (place, wrapped, []),
        (features[0], sealed[0], headers),
        (features[1], sealed[1], [*headers[:3], ("consent", b"form 8"), *headers[4:]]),
        (FeatureKey("default", STRANGE), b"of other keys", []),
        (FeatureKey("default", STRANGE, "f1"), b"sealed", []),
    ]
    for key, value, given in stored:
        await producer.send_and_wait(
            topics.name(FACE_FEATURES), value, key=key.encode(), partition=key.partition(2), headers=given
        )
    for key in (FeatureKey("default", ASTRAY), FeatureKey("default", ASTRAY, "f1")):
        await producer.send_and_wait(
            topics.name(FACE_FEATURES), b"sealed", key=key.encode(), partition=1 - key.partition(2), headers=headers
        )
    await producer.stop()
