"""Records as JSON and back."""

import json

import msgspec
import pytest

from streams.wire.records import RECORDS, SCHEMA_VERSION, Epoch, GalleryEvent, Recognition, decode, encode


def test_there_is_an_example_of_every_record(examples):
    assert {type(example) for example in examples} == set(RECORDS)


def test_a_record_comes_back_as_it_was(example):
    assert decode(encode(example), type(example)) == example


def test_a_record_is_one_line_of_utf8_json_with_its_version(example):
    raw = encode(example)
    assert b"\n" not in raw
    assert json.loads(raw.decode("utf-8"))["schema_version"] == SCHEMA_VERSION


def test_every_field_is_written_even_where_it_is_null(example):
    assert set(json.loads(encode(example))) == set(type(example).__struct_fields__)


def test_a_field_that_we_do_not_know_is_ignored(example):
    later = json.loads(encode(example)) | {"added_in_a_later_version": {"any": ["thing"]}}
    assert decode(json.dumps(later).encode(), type(example)) == example


def test_another_schema_version_is_refused(example):
    later = json.loads(encode(example)) | {"schema_version": SCHEMA_VERSION + 1}
    with pytest.raises(msgspec.ValidationError, match="schema_version"):
        decode(json.dumps(later).encode(), type(example))


@pytest.mark.parametrize("raw", [b"", b"{", b"null", b"[]", b"\xff\xfe"])
def test_what_is_no_record_is_refused(raw):
    with pytest.raises((msgspec.ValidationError, msgspec.DecodeError)):
        decode(raw, GalleryEvent)


def test_a_record_cannot_be_altered(example):
    with pytest.raises(AttributeError):
        example.schema_version = SCHEMA_VERSION


@pytest.mark.parametrize(
    ("part", "value"), [("left", 1.2), ("width", -0.1), ("top", None)], ids=["beyond", "negative", "missing"]
)
def test_a_box_outside_of_the_frame_is_refused(examples, part, value):
    altered = json.loads(encode(examples[0]))
    altered["faces"][0]["box"][part] = value
    with pytest.raises(msgspec.ValidationError, match=part):
        decode(json.dumps(altered).encode(), Recognition)


@pytest.mark.parametrize("count", [0, 4, 6])
def test_a_face_has_five_landmarks(examples, count):
    altered = json.loads(encode(examples[0]))
    altered["faces"][0]["landmarks"] = [[0.5, 0.5]] * count
    with pytest.raises(msgspec.ValidationError, match="landmarks"):
        decode(json.dumps(altered).encode(), Recognition)


@pytest.mark.parametrize("epoch", ["0123abc", "0123abcde", "0123ABCD", ""])
def test_an_epoch_is_eight_lower_hex_digits(epoch):
    raw = json.dumps({"topic": "camera-frames", "epoch": epoch, "created_at_ms": 0}).encode()
    with pytest.raises(msgspec.ValidationError, match="epoch"):
        decode(raw, Epoch)


NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("raw", [NESTED, b'{"a": ' + NESTED + b"}", b'{"topic": "\xff"}', b'{"\xff": 1}'])
def test_whatever_is_wrong_with_a_record_is_one_kind_of_error(raw):
    with pytest.raises(msgspec.DecodeError):
        decode(raw, Epoch)
