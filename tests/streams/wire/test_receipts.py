"""The bytes of a receipt that are signed."""

import msgspec
import pytest

from streams.wire.receipts import read_receipt, signature_of, signed_bytes, with_signature
from streams.wire.records import Receipt

RECEIPT = Receipt(
    request_id="r1",
    event_id="0a0b0c0d-gallery-commands-1-7",
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
    tombstones={"face-features": 3},
    workers=["w1"],
    snapshots=1,
    silent=[],
    later={"sightings": 3},
    bill=None,
    key_id="sk-1",
    signature="",
)


def test_they_are_all_fields_but_the_signature_in_the_order_of_the_record() -> None:
    assert signed_bytes(RECEIPT) == (
        b'{"request_id":"r1","event_id":"0a0b0c0d-gallery-commands-1-7","account":"main","region":"eu",'
        b'"scope":"person","gallery":"default","person":"9c85","requested_at_ms":1,"completed_at_ms":2,"persons":1,'
        b'"features":2,"log_entries":0,"tombstones":{"face-features":3},"workers":["w1"],"snapshots":1,"silent":[],'
        b'"later":{"sightings":3},"bill":null,"key_id":"sk-1"}'
    )
    assert signed_bytes(with_signature(RECEIPT, b"abc")) == signed_bytes(RECEIPT)


def test_what_was_signed_before_a_field_was_added_is_read_and_holds() -> None:
    older = msgspec.json.decode(msgspec.json.encode(RECEIPT))
    del older["unread"]
    read = read_receipt(msgspec.json.encode(older))
    assert signed_bytes(read) == signed_bytes(RECEIPT)
    assert b"unread" not in signed_bytes(read)
    assert b'"unread":1' in signed_bytes(msgspec.structs.replace(read, unread=1))


@pytest.mark.parametrize(
    "name", [name for name in Receipt.__struct_fields__ if name not in ("signature", "scope", "bill")]
)
def test_every_field_counts(name: str) -> None:
    other = {int: 9, str: "other", list: ["other"], dict: {"other": 9}}[type(getattr(RECEIPT, name))]
    assert signed_bytes(msgspec.structs.replace(RECEIPT, **{name: other})) != signed_bytes(RECEIPT)


def test_a_printed_receipt_is_read_back() -> None:
    signed = with_signature(RECEIPT, b"\x00\xff")
    assert read_receipt(msgspec.json.encode(signed)) == signed
    assert signature_of(signed) == b"\x00\xff"
    assert signature_of(msgspec.structs.replace(RECEIPT, signature="no base64!")) == b""


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"{}", b'{"request_id":"r1"}'])
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  msgspec words it
        read_receipt(raw)


def test_a_field_that_no_signature_covers_is_refused() -> None:
    with_more = msgspec.json.decode(msgspec.json.encode(RECEIPT)) | {"note": "all is well"}
    with pytest.raises(ValueError, match="does not have"):
        read_receipt(msgspec.json.encode(with_more))
