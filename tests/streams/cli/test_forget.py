"""`facestreams forget` and `receipt`, against somebody who answers as a worker does."""

import asyncio
import io
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from models.gallery.keys import KeyDirectory
from streams.cli.exit_codes import ExitCode
from streams.edge.broker import started_consumer, started_producer
from streams.wire.connection import Connection
from streams.wire.headers import CommandHeaders, command_headers
from streams.wire.receipts import signed_bytes, with_signature
from streams.wire.records import GalleryEvent, Receipt, encode
from streams.wire.topics import GALLERY_COMMANDS, GALLERY_EVENTS, Topics


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


def receipt_of(request_id: str, keys: KeyDirectory) -> Receipt:
    receipt = Receipt(
        request_id=request_id,
        event_id="0000000a-gallery-commands-0-1",
        account="main",
        region="eu",
        scope="person",
        gallery="default",
        person="9c85",
        requested_at_ms=1,
        completed_at_ms=2,
        persons=1,
        features=2,
        log_entries=0,
        workers=["w"],
        silent=[],
        later={},
        bill=None,
        key_id=keys.signing_key_id,
        signature="",
    )
    return with_signature(receipt, keys.sign(signed_bytes(receipt))[1])


def event(headers: CommandHeaders, code: str, receipt: Receipt | None = None) -> bytes:
    return encode(
        GalleryEvent(
            event_id="0000000a-gallery-commands-0-1",
            request_id=headers.request_id or "",
            account="main",
            region="eu",
            gallery=headers.gallery,
            command="forget",
            accepted=True,
            code=code,
            detail="",
            person=None,
            features=2,
            requested_at_ms=1,
            processed_at_ms=2,
            receipt=receipt,
        )
    )


@contextmanager
def worker(connection: Connection, topics: Topics, keys: KeyDirectory) -> Iterator[list[tuple[bytes, CommandHeaders]]]:
    """Accepts each deletion and answers with a receipt right behind; yields what came, with the record's key."""
    taken: list[tuple[bytes, CommandHeaders]] = []
    stop = threading.Event()

    async def serve() -> None:
        consumer = await started_consumer(connection, topics.name(GALLERY_COMMANDS), from_beginning=True)
        producer = await started_producer(connection, max_picture_bytes=1000)
        while not stop.is_set():
            for batch in (await consumer.getmany(timeout_ms=50)).values():
                for message in batch:
                    headers = command_headers(message.headers)
                    taken.append((message.key, headers))
                    complete = event(headers, "forgotten", receipt_of(headers.request_id or "", keys))
                    for value in (event(headers, "forgetting"), complete):
                        await producer.send_and_wait(topics.name(GALLERY_EVENTS), value, partition=0)
        await producer.stop()
        await consumer.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()


@pytest.mark.broker
def test_what_was_accepted_and_the_receipt_by_its_request(
    facestreams, connection: Connection, topics: Topics, keys: KeyDirectory
) -> None:
    with worker(connection, topics, keys) as taken:
        code, out, err = facestreams("forget", "ada", "--gallery", "vip")
        [(key, headers)] = taken
        assert (code, out, err) == (ExitCode.DONE, f"ada: forgetting, request {headers.request_id}\n", "")
        assert (key, headers.command, headers.person_id, headers.gallery) == (b"ada", "forget", "ada", "vip")
        code, out, err = facestreams("receipt", "show", headers.request_id, "--wait")
        assert (code, err) == (ExitCode.DONE, "")
        assert json.loads(out)["request_id"] == headers.request_id
        code, out, err = facestreams("receipt", "show", "nobody's")
        assert (code, out) == (ExitCode.REFUSED, "")
        assert err.startswith("no receipt of request nobody's: ")
        assert facestreams("receipt", "show", "nobody's", "--wait", "--timeout", "0.1")[0] == ExitCode.TIMEOUT


@pytest.mark.broker
def test_the_receipt_is_waited_for_on_demand(
    facestreams, connection: Connection, topics: Topics, keys: KeyDirectory
) -> None:
    with worker(connection, topics, keys) as taken:
        code, out, err = facestreams("forget", "ada", "--receipt")  # of every gallery
        assert (taken[0][1].person_id, taken[0][1].gallery) == ("ada", None)
        assert (code, json.loads(out)["features"]) == (ExitCode.DONE, 2)
        assert err == f"ada: forgetting, request {taken[0][1].request_id}\n"


@pytest.mark.broker
def test_a_gallery_and_an_account_are_named_again(
    facestreams, connection: Connection, topics: Topics, keys: KeyDirectory, monkeypatch
) -> None:
    with worker(connection, topics, keys) as taken:
        monkeypatch.setattr("sys.stdin", io.StringIO("other\n"))
        code, out, err = facestreams("forget", "--everyone", "--gallery", "vip")
        assert (code, out, taken) == (ExitCode.REFUSED, "", [])
        assert err.endswith("another name: nothing was sent\n")
        monkeypatch.setattr("sys.stdin", io.StringIO("vip\n"))
        assert facestreams("forget", "--everyone", "--gallery", "vip")[0] == ExitCode.DONE
        assert facestreams("forget", "--whole-account", "--yes")[0] == ExitCode.DONE
    of_gallery, of_account = taken
    assert (of_gallery[0], of_gallery[1].command, of_gallery[1].gallery) == (b"vip", "forget_gallery", "vip")
    assert (of_account[0], of_account[1].command, of_account[1].caller.account) == (b"main", "forget_account", "main")
    assert {headers.person_id for _, headers in taken} == {None}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("ada", "--everyone", "--gallery", "vip"),
        ("ada", "--whole-account"),
        ("--everyone",),
        ("ada", "--receipt", "--no-wait"),
    ],
)
def test_one_thing_at_a_time(facestreams, arguments) -> None:
    assert facestreams("forget", *arguments)[0] == ExitCode.USAGE


@pytest.fixture
def receipt_file(keys: KeyDirectory, tmp_path: Path, monkeypatch) -> Path:
    path = tmp_path / "receipt.json"
    path.write_bytes(msgspec.json.encode(receipt_of("r1", keys)))
    monkeypatch.setenv("FACESTREAMS_KEY_DIR", str(keys.path))
    return path


def test_a_receipt_is_verified_with_the_keys_or_with_the_public_half_alone(
    facestreams, receipt_file: Path, keys: KeyDirectory, monkeypatch
) -> None:
    said = f"signed with {keys.signing_key_id}, unaltered: person of account main, 1 persons, 2 features\n"
    assert facestreams("receipt", "verify", receipt_file) == (ExitCode.DONE, said, "")
    public = b64encode(keys.verify_keys()[keys.signing_key_id]).decode()
    monkeypatch.setenv("FACESTREAMS_KEY_DIR", "/nowhere")
    assert facestreams("receipt", "verify", receipt_file, "--public-key", public)[0] == ExitCode.DONE
    assert facestreams("receipt", "verify", receipt_file, "--public-key", "no base64!")[0] == ExitCode.USAGE
    assert facestreams("receipt", "verify", receipt_file)[0] == ExitCode.DEPLOYMENT


def test_a_receipt_that_leaves_something_open_says_so(facestreams, receipt_file: Path, keys: KeyDirectory) -> None:
    unsigned = structs.replace(receipt_of("r1", keys), unread=2, silent=["w2"])
    signed = with_signature(unsigned, keys.sign(signed_bytes(unsigned))[1])
    receipt_file.write_bytes(msgspec.json.encode(signed))
    said = "1 persons, 2 features, 2 key records in its scope could not be read, 1 workers silent\n"
    code, printed, _ = facestreams("receipt", "verify", receipt_file)
    assert (code, printed.partition("account main, ")[2]) == (ExitCode.DONE, said)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda text: text.replace('"features":2', '"features":1'), "the signature does not fit: "),
        (lambda text: text.replace("{", '{"note":"x",', 1), "not a receipt: "),
        (lambda text: text[:50], "not a receipt: "),
        (lambda text: text.replace('"key_id":"sk-', '"key_id":"sk-0'), "the key directory has no signing key sk-0"),
    ],
)
def test_an_altered_one_is_not(facestreams, receipt_file: Path, spoil, why: str) -> None:
    receipt_file.write_text(spoil(receipt_file.read_text()))
    code, out, err = facestreams("receipt", "verify", receipt_file)
    assert (code, out) == (ExitCode.REFUSED, "")
    assert err.startswith(why)


def test_a_file_that_is_not_there(facestreams, tmp_path: Path) -> None:
    assert facestreams("receipt", "verify", tmp_path / "none")[0] == ExitCode.SOURCE
