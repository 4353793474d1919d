"""A record whose header has a name that is no UTF-8 is read, and so are those around it."""

import inspect

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from streams.wire.header_names import TolerantRecords, read_any_header_name
from streams.wire.headers import MAX_HEADERS


class Raw(str):
    """A header's name that is sent as these bytes."""

    __slots__ = ("sent",)

    def __new__(cls, sent: bytes) -> "Raw":
        name = super().__new__(cls, "raw")
        name.sent = sent
        return name

    def encode(self, *_: object) -> bytes:
        return self.sent


PICTURE = b"\xff\xd8 a picture with \xff\xfe in it \xff\xd9"
GOOD = [("frame_id", b"f")]


def batch(*headers: list[tuple[str, bytes]]) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
    for offset, each in enumerate(headers):
        builder.append(offset, timestamp=1, key=b"lobby", value=PICTURE, headers=each)
    return bytes(builder.build())


def read(raw: bytes, reader) -> list:
    records = reader(raw)
    return [record for found in iter(records.next_batch, None) for record in found]


def test_aiokafka_itself_still_cannot_read_one() -> None:
    with pytest.raises(UnicodeDecodeError):
        read(batch([(Raw(b"\xff\xfe"), b"x")]), MemoryRecords)


@pytest.mark.parametrize("value", [b"x", b"\xff\xfe", b"", None])
def test_the_name_becomes_question_marks_and_nothing_else_changes(value) -> None:
    found = read(batch(GOOD, [(Raw(b"\xff\xfe"), value), ("gallery", b"vip")], GOOD), TolerantRecords)
    assert [record.value for record in found] == [PICTURE] * 3
    assert [record.key for record in found] == [b"lobby"] * 3
    assert [record.offset for record in found] == [0, 1, 2]
    assert found[0].headers == found[2].headers == [("frame_id", b"f")]
    names = [name for name, _ in found[1].headers]
    assert names == ["??", "gallery"]
    assert found[1].headers[1][1] == b"vip"


def test_good_batches_read_as_aiokafka_reads_them() -> None:
    raw = batch(GOOD, [], [("a", b""), ("b", None)]) + batch(GOOD)

    def plain(records) -> list[tuple]:
        return [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in records]

    assert plain(read(raw, TolerantRecords)) == plain(read(raw, MemoryRecords))


def test_the_fetcher_reads_with_whatever_stands_under_this_name(monkeypatch) -> None:
    assert "records = MemoryRecords(" in inspect.getsource(fetcher.Fetcher)
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
    read_any_header_name()
    assert fetcher.MemoryRecords is TolerantRecords


def test_of_a_million_headers_no_more_are_read_than_are_refused() -> None:
    names = [(Raw(b"\xff"), None)] * 200_000
    found = read(batch(names, GOOD), TolerantRecords)
    assert [len(record.headers) for record in found] == [MAX_HEADERS + 1, 1]
    assert found[0].headers[0] == ("?", None)
    assert [record.value for record in found] == [PICTURE] * 2


def test_a_record_whose_fields_are_of_another_length_is_no_record() -> None:
    raw = bytearray(batch(GOOD))
    start = raw.index(b"lobby") - 5  # the record's own length stands five bytes before its key
    raw[start] += 2
    with pytest.raises(CorruptRecordException):
        read(bytes(raw), TolerantRecords)
