"""What of a command is read, what is refused, and what can be said of it all the same."""

import pytest

from streams.agents.gallery.commands import CommandReader, Forget
from streams.engine.request import Request
from streams.wire.codes import Code
from streams.wire.headers import Deployment, RequestError


@pytest.fixture
def reader() -> CommandReader:
    return CommandReader(
        deployment=Deployment(account="main", app_id="77", region="eu"),
        epoch="0a0b0c0d",
        gallery_names=frozenset({"default", "vip"}),
    )


def request(key: bytes | None = b"ada", **headers: bytes) -> Request:
    return Request("commands", 2, 9, 5, key, b"", tuple(headers.items()), 1)


def test_a_command_has_its_place_as_its_id_and_the_senders_request_id_where_there_is_one(reader) -> None:
    command = reader.read(request(command=b"enroll", gallery=b"vip", request_id=b"r1"))
    assert (command.person_id, command.gallery, command.request_id) == ("ada", "vip", "r1")
    assert str(command.event_id) == "0a0b0c0d-gallery-commands-2-9"
    assert reader.read(request(command=b"enroll")).request_id == str(command.event_id)
    assert reader.read(request(command=b"enroll")).gallery == "default"


@pytest.mark.parametrize("person", ["../../etc", "a/b", "ä ö", "名前", "a" * 256])
def test_any_printable_id_that_fits_is_taken(reader, person: str) -> None:
    if len(person.encode()) <= 256:
        for command in (b"enroll", b"forget"):
            assert reader.read(request(person.encode(), command=command)).person_id == person


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (request(None), Code.BAD_KEY),
        (request(b""), Code.BAD_KEY),
        (request(b"a\x00b"), Code.BAD_KEY),
        (request(b"x" * 257), Code.BAD_KEY),
        (request(person_id=b"ben"), Code.BAD_KEY),
        (request(command=b"enroll", gallery=b"nowhere"), Code.GALLERY_NOT_ALLOWED),
        (request(command=b"shred"), Code.UNKNOWN_COMMAND),
        (request(), Code.UNKNOWN_COMMAND),
        (request(account=b"other"), Code.WRONG_ACCOUNT),
        (request(region=b"us"), Code.WRONG_REGION),
        (request(consent=b"x" * 300), Code.BAD_HEADER),
    ],
)
def test_what_is_refused_has_its_code_and_no_value_in_its_detail(reader, refused: Request, code: Code) -> None:
    with pytest.raises(RequestError) as refusal:
        reader.read(refused)
    assert refusal.value.code is code
    assert "other" not in refusal.value.detail.replace("another", "")
    assert "xxx" not in refusal.value.detail


@pytest.mark.parametrize(
    ("command", "key", "headers", "meant"),
    [
        (b"forget", b"ada", {}, ("person", "ada", None)),
        (b"forget", b"ada", {"gallery": b"vip"}, ("person", "ada", "vip")),
        (b"forget", b"ada", {"gallery": b"of old"}, ("person", "ada", "of old")),
        (b"forget_gallery", b"of old", {}, ("gallery", None, "of old")),
        (b"forget_account", b"main", {}, ("account", None, None)),
        (b"forget_account", b"main", {"gallery": b"vip"}, ("account", None, None)),
    ],
)
def test_what_is_to_be_forgotten_and_in_which_galleries(reader, command, key, headers, meant) -> None:
    asked = request(key, command=command, **headers)
    read = reader.read(asked)
    assert isinstance(read, Forget)
    assert (read.scope, read.person_id, read.gallery) == meant
    assert (reader.asked(asked).person_id, reader.asked(asked).gallery) == meant[1:]


def test_a_refused_command_can_still_be_logged_and_answered(reader) -> None:
    asked = reader.asked(request(command=b"forget", request_id=b"r1", uin=b"u", consent=b"x" * 300))
    assert (asked.interface, asked.request_id, asked.caller.uin, asked.person_id) == ("forget", "r1", "u", "ada")
    assert reader.asked(request(b"\xff", command=b"shred")).interface == "unknown"
    assert reader.asked(request(b"\xff")).person_id is None
