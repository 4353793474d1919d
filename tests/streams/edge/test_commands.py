import pytest

from streams.edge.commands import Command
from streams.wire.headers import Caller, CommandHeaders, command_headers


def test_headers_read_back_as_they_were_meant() -> None:
    command = Command(
        command="enroll",
        person_id="zoë",
        picture=b"jpeg",
        gallery="vip",
        consent="form 7",
        consent_basis="guardian",
        caller=Caller(uin="100", request_ip="192.0.2.1"),
        request_id="r1",
    )

    assert command.key() == "zoë".encode()
    assert command_headers(command.headers()) == CommandHeaders(
        caller=Caller(uin="100", request_ip="192.0.2.1"),
        command="enroll",
        person_id="zoë",
        gallery="vip",
        consent="form 7",
        consent_basis="guardian",
        request_id="r1",
    )


def test_what_is_not_given_is_not_sent() -> None:
    command = Command(command="forget", person_id="ada", request_id="r2")

    assert command.headers() == [("command", b"forget"), ("person_id", b"ada"), ("request_id", b"r2")]


def test_each_command_has_a_request_id_of_its_own() -> None:
    first, second = (Command(command="forget", person_id="ada") for _ in range(2))

    assert first.request_id != second.request_id


def test_the_picture_is_not_shown() -> None:
    assert "secret" not in repr(Command(command="enroll", person_id="ada", picture=b"secret"))


def test_a_gallery_and_an_account_are_named_by_the_key_too() -> None:
    of_gallery = Command(command="forget_gallery", gallery="vip")
    of_account = Command(command="forget_account", caller=Caller(account="main"))

    assert (of_gallery.key(), of_account.key()) == (b"vip", b"main")
    assert dict(of_gallery.headers())["gallery"] == b"vip"
    assert "person_id" not in dict(of_gallery.headers()) | dict(of_account.headers())


@pytest.mark.parametrize("command", ["forget", "forget_gallery", "forget_account"])
def test_what_names_nothing_is_not_sent(command) -> None:
    with pytest.raises(ValueError, match="names nothing"):
        Command(command=command).key()
