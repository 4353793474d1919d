"""Headers of the input topics."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.wire.codes import Code
from streams.wire.headers import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    Caller,
    CommandHeaders,
    Deployment,
    FrameHeaders,
    RequestError,
    command_headers,
    frame_headers,
    number,
    readable_caller,
    readable_command_headers,
    states_consent,
    text,
)
from streams.wire.topics import ERASURE_KEY, FILLER_KEY

WHOLE_CALLER = [
    ("account", b"main"),
    ("uin", b"100001"),
    ("sub_uin", b"100002"),
    ("request_ip", b"192.0.2.7"),
    ("region", b"local"),
]
CALLER = Caller(account="main", uin="100001", sub_uin="100002", request_ip="192.0.2.7", region="local")
PRINTABLE = st.text(min_size=1, max_size=60).filter(str.isprintable)


def test_a_frame_without_headers_is_a_good_frame() -> None:
    assert frame_headers([]) == FrameHeaders(caller=Caller())


def test_all_headers_of_a_frame() -> None:
    headers = [*WHOLE_CALLER, ("frame_id", b"f-1"), ("captured_at_ms", b"1767225600000"), ("gallery", b"vip")]
    assert frame_headers(iter(headers)) == FrameHeaders(
        caller=CALLER, frame_id="f-1", captured_at_ms=1_767_225_600_000, gallery="vip"
    )


def test_all_headers_of_a_command() -> None:
    names = ("command", "person_id", "gallery", "consent", "consent_basis", "request_id")
    headers = [*WHOLE_CALLER, *((name, name.upper().encode()) for name in names)]
    assert command_headers(iter(headers)) == CommandHeaders(caller=CALLER, **{name: name.upper() for name in names})


def test_headers_of_others_are_ignored_whatever_they_hold() -> None:
    headers = [("traceparent", b"\xff\xfe"), ("traceparent", b""), ("person_id", b""), ("gallery", b"vip")]
    assert frame_headers(headers) == FrameHeaders(caller=Caller(), gallery="vip")


@given(st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=300)), max_size=6))
def test_reading_ends_in_headers_or_in_a_refusal(headers: list[tuple[str, bytes]]) -> None:
    for read in (frame_headers, command_headers):
        assert refusal_of(read, headers) in (None, Code.BAD_HEADER)


def refusal_of(read: Callable[..., object], headers: list[tuple[str, bytes]]) -> Code | None:
    try:
        read(headers)
    except RequestError as error:
        return error.code
    return None


@given(PRINTABLE)
def test_printable_text_comes_through_as_it_is(value: str) -> None:
    assert text(value.encode(), "uin") == value


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (b"", "uin is empty"),
        (b"x" * (MAX_HEADER_BYTES + 1), "uin has 257 bytes, more than 256"),
        (b"\xff", "uin is not UTF-8"),
        (b"a\nb", "uin has characters that cannot be printed"),
        (b"a\x00", "uin has characters that cannot be printed"),
        ("a\u202eb".encode(), "uin has characters that cannot be printed"),
    ],
)
def test_a_bad_value_is_refused_and_not_repeated(raw: bytes, detail: str) -> None:
    with pytest.raises(RequestError) as caught:
        frame_headers([("uin", raw)])
    assert (caught.value.code, caught.value.detail) == (Code.BAD_HEADER, detail)


def test_the_longest_value_is_taken() -> None:
    assert text(b"x" * MAX_HEADER_BYTES, "uin") == "x" * MAX_HEADER_BYTES


def test_a_key_is_refused_under_its_own_code() -> None:
    with pytest.raises(RequestError) as caught:
        text(b"", "the key", Code.BAD_KEY)
    assert caught.value.code is Code.BAD_KEY


def test_a_header_given_twice_is_refused_even_if_both_agree() -> None:
    with pytest.raises(RequestError, match="gallery is given twice"):
        frame_headers([("gallery", b"vip"), ("gallery", b"vip")])


@given(st.integers(0, 10**15 - 1))
def test_a_capture_time_is_decimal(captured_at_ms: int) -> None:
    assert frame_headers([("captured_at_ms", b"%d" % captured_at_ms)]).captured_at_ms == captured_at_ms


@pytest.mark.parametrize("raw", ["-1", "1.5", "1e3", " 1", "0x1", "1_000", "\u0661", "\u00b2", "1" * 16])
def test_anything_else_is_no_capture_time(raw: str) -> None:
    with pytest.raises(RequestError, match="captured_at_ms is no decimal number"):
        frame_headers([("captured_at_ms", raw.encode())])


@pytest.mark.parametrize("caller", [Caller(), Caller(account="main"), Caller(region="eu"), Caller(uin="1")])
def test_who_names_us_or_nobody_is_admitted(caller: Caller) -> None:
    Deployment(account="main", app_id="77", region="eu").admit(caller)


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (Caller(account="other"), Code.WRONG_ACCOUNT),
        (Caller(account="Main"), Code.WRONG_ACCOUNT),
        (Caller(region="us"), Code.WRONG_REGION),
    ],
)
def test_who_names_another_is_refused_and_not_repeated(caller: Caller, code: Code) -> None:
    with pytest.raises(RequestError) as caught:
        Deployment(account="main", app_id="77", region="eu").admit(caller)
    assert caught.value.code is code
    assert not {"other", "Main", "us"} & set(caught.value.detail.split())


def test_of_a_request_that_is_refused_the_headers_that_can_be_read_are_read() -> None:
    given = [
        ("request_id", b"r1"),
        ("command", b"enroll"),
        ("consent", b"x" * 300),
        ("gallery", b""),
        ("uin", b"\xff"),
        ("request_ip", b"192.0.2.1"),
        ("region", b"eu"),
        ("region", b"us"),
    ]
    found = readable_command_headers(given)
    assert (found.request_id, found.command, found.consent, found.gallery) == ("r1", "enroll", None, None)
    assert found.caller == Caller(request_ip="192.0.2.1")
    assert readable_caller(given) == Caller(request_ip="192.0.2.1")


@pytest.mark.parametrize("read", [frame_headers, command_headers])
def test_more_headers_than_anybody_needs_are_refused(read) -> None:
    most = [("traceparent", b"x")] * MAX_HEADERS
    assert refusal_of(read, most) is None
    assert refusal_of(read, [*most, ("traceparent", b"x")]) == Code.BAD_HEADER


@pytest.mark.parametrize("read", [frame_headers, command_headers])
def test_a_header_without_a_value_is_an_empty_one(read) -> None:
    assert refusal_of(read, [("gallery", None)]) == Code.BAD_HEADER


@pytest.mark.parametrize("reserved", [FILLER_KEY, ERASURE_KEY])
def test_the_keys_of_our_own_are_nobodys_id(reserved: bytes) -> None:
    with pytest.raises(RequestError, match="reserved word"):
        text(reserved, "the key", Code.BAD_KEY)


@pytest.mark.parametrize(
    ("consent", "basis", "stated"),
    [
        ("form-7", "of_age", True),
        ("form-7", "guardian", True),
        (" form-7", "guardian", True),
        (None, "of_age", False),
        ("", "of_age", False),
        (" ", "of_age", False),
        ("form-7", None, False),
        ("form-7", "", False),
        ("form-7", "Guardian", False),
    ],
)
def test_a_consent_is_a_reference_and_what_it_rests_on(consent: str | None, basis: str | None, stated: bool) -> None:
    assert states_consent(consent, basis) is stated


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("0", 0),
        ("007", 7),
        ("9" * 15, 10**15 - 1),
        ("9" * 16, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
    ],
)
def test_a_number_is_of_ascii_digits_and_not_too_long(given: str, read: int | None) -> None:
    assert number(given) == read
