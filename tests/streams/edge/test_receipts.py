"""Receipts on gallery-events, on each broker; the wait for one has an end whatever else is written."""

import asyncio
from types import SimpleNamespace

import msgspec
import pytest

from streams.edge import receipts
from streams.edge.errors import AnswerTimeoutError
from streams.edge.receipts import find_receipt
from streams.wire.connection import Connection
from streams.wire.records import GalleryEvent, Receipt, encode
from streams.wire.topics import Topics

RECEIPT = Receipt(
    request_id="r1",
    event_id="0a0b0c0d-gallery-commands-0-0",
    account="main",
    region="eu",
    scope="gallery",
    gallery="default",
    person=None,
    requested_at_ms=1,
    completed_at_ms=2,
    persons=1,
    features=1,
    log_entries=0,
    workers=[],
    silent=[],
    later={},
    bill=None,
    key_id="sk-1",
    signature="",
)


def event(receipt: Receipt | None, request_id: str = "r1") -> SimpleNamespace:
    made = GalleryEvent(
        event_id=RECEIPT.event_id,
        request_id=request_id,
        account="main",
        region="eu",
        gallery="default",
        command="forget_gallery",
        accepted=True,
        code="forgotten",
        detail="",
        person=None,
        features=1,
        requested_at_ms=1,
        processed_at_ms=2,
        receipt=receipt,
    )
    return SimpleNamespace(value=encode(made))


NEWER = msgspec.structs.replace(RECEIPT, completed_at_ms=3)
NO_EVENTS = [SimpleNamespace(value=value) for value in (None, b"", b"<html>")]


class Coming:
    """What comes after what stood there; then others' events for ever, or nothing."""

    def __init__(self, events: list[SimpleNamespace], *, busy: bool) -> None:
        self._events = events
        self._busy = busy
        self.stopped = False

    async def getone(self) -> SimpleNamespace:
        await asyncio.sleep(0)
        if self._events:
            return self._events.pop(0)
        if not self._busy:
            await asyncio.Event().wait()
        return event(None, "another")

    async def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch):
    async def found(
        stood: list[SimpleNamespace], coming: list[SimpleNamespace], *, wait_s: float | None, busy: bool = True
    ) -> Receipt | None:
        consumer = Coming(coming, busy=busy)

        async def nothing(*_: object) -> None:
            return None

        async def started(*_: object, from_beginning: bool) -> Coming:
            assert not from_beginning
            return consumer

        async def read_through(_connection, _topics, _short, take, **_how) -> None:
            for record in stood:
                take(record)

        monkeypatch.setattr(receipts, "require_topics", nothing)
        monkeypatch.setattr(receipts, "started_consumer", started)
        monkeypatch.setattr(receipts, "read_through", read_through)
        try:
            return await find_receipt(Connection("unused:1"), Topics(), "r1", exact_ends=True, wait_s=wait_s)
        finally:
            assert consumer.stopped == (wait_s is not None)

    return found


async def test_the_newest_that_stands_there(find) -> None:
    stood = [event(RECEIPT), event(NEWER), event(None), event(RECEIPT, "another"), *NO_EVENTS]
    assert await find(stood, [], wait_s=None) == NEWER
    assert await find(stood, [event(RECEIPT)], wait_s=10) == NEWER
    assert await find([event(None)], [event(RECEIPT)], wait_s=None) is None


async def test_one_that_comes_is_waited_for(find) -> None:
    coming = [*NO_EVENTS, event(None), event(RECEIPT, "another"), event(RECEIPT)]
    assert await find([event(None)], coming, wait_s=10) == RECEIPT


@pytest.mark.parametrize("busy", [True, False])
async def test_none_that_comes_in_time_is_said(find, busy: bool) -> None:
    with pytest.raises(AnswerTimeoutError, match=r"no answer to request r1 within 0\.05 s"):
        await find([], [], wait_s=0.05, busy=busy)
