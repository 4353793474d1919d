"""What a request's input is reduced to before it is logged."""

import cv2
import numpy as np
import pytest

from streams.agents.user_input import PARAMETERS, persons_named, summary
from streams.engine.request import Request
from streams.logs.error import WITHHELD
from streams.wire.headers import MAX_HEADER_BYTES
from streams.wire.records import InputSummary
from streams.wire.topics import CAMERA_FRAMES, GALLERY_COMMANDS


def request(value: bytes | None, headers=(), key: bytes | None = b"lobby") -> Request:
    return Request("frames", 0, 0, 0, key, value, headers, 1)


def reduced(value: bytes | None, headers=(), named=(), enrolled=()) -> InputSummary:
    return summary(request(value, headers), named, set(enrolled).__contains__)


@pytest.mark.parametrize(
    ("suffix", "media_type"), [(".jpg", "image/jpeg"), (".png", "image/png"), (".webp", "image/webp")]
)
def test_a_picture_becomes_its_size_type_and_dimensions(suffix: str, media_type: str) -> None:
    encoded = cv2.imencode(suffix, np.zeros((30, 50, 3), np.uint8))[1].tobytes()
    found = reduced(encoded)
    assert (found.value_bytes, found.media_type, found.width_px, found.height_px) == (
        len(encoded),
        media_type,
        50,
        30,
    )


@pytest.mark.parametrize("value", [None, b"", b"hello", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_has_a_size_alone(value: bytes | None) -> None:
    found = reduced(value)
    assert (found.value_bytes, found.media_type, found.width_px) == (len(value or b""), None, None)


def test_headers_that_we_know_are_named_and_all_others_are_counted() -> None:
    headers = (("uin", b"secret"), ("gallery", None), ("uin", b"secret"), ("secret", b""), ("traceparent", b"secret"))
    found = reduced(b"", headers)
    assert (found.headers, found.other_headers, found.parameters) == (["gallery", "uin"], 2, {})
    assert "secret" not in str(found)


def test_parameters_are_there_with_their_values() -> None:
    headers = tuple((name, f"value of {name}".encode()) for name in PARAMETERS)
    assert reduced(b"", headers).parameters == {name: f"value of {name}" for name in PARAMETERS}


@pytest.mark.parametrize("name", ["person_id", "consent", "request_ip", "traceparent"])
def test_what_is_or_describes_a_person_has_no_value(name: str) -> None:
    assert reduced(b"", ((name, b"form of ada"),)).parameters == {}


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"two\nlines", b"x" * (MAX_HEADER_BYTES + 1)])
def test_a_value_that_cannot_be_read_is_left_out(value: bytes | None) -> None:
    assert reduced(b"", (("frame_id", value), ("gallery", b"vip"))).parameters == {"gallery": "vip"}


def test_a_value_that_is_given_twice_is_left_out() -> None:
    assert reduced(b"", (("command", b"enroll"), ("command", b"forget"))).parameters == {}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_value_that_is_an_enrolled_persons_id_is_withheld(name: str) -> None:
    assert reduced(b"", ((name, b"ada"),), enrolled=["ada"]).parameters == {name: WITHHELD}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_value_that_holds_the_id_of_whom_the_request_names_is_withheld(name: str) -> None:
    assert reduced(b"", ((name, b"enroll-ada-2"),), named={"ada"}).parameters == {name: WITHHELD}


def test_a_command_names_by_key_and_header_and_a_frame_by_header_alone() -> None:
    headers = (("person_id", b"ada"), ("person_id", b"ben"), ("person_id", None))
    assert persons_named(request(None, headers, b"cleo"), GALLERY_COMMANDS) == {"ada", "ben", "cleo"}
    assert persons_named(request(None, headers, b"lobby"), CAMERA_FRAMES) == {"ada", "ben"}
    assert persons_named(request(None, (), None), GALLERY_COMMANDS) == set()
