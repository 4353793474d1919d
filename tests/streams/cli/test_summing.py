import io
import logging

import pytest

from streams.cli import summing
from streams.cli.summing import LOOK_S, WINDOW_S, SummingHandler


class Desk:
    """A handler, its clock, and what it wants to be called for later."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list = []
        self.stream = io.StringIO()
        self.handler = SummingHandler(
            self.stream, clock=lambda: self.now, later=lambda delay_s, call: self.calls.append((delay_s, call))
        )
        self.handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def log(self, text: str, *args: object, name: str = "aiokafka", level: int = logging.ERROR, error=None) -> None:
        exc_info = None if error is None else (type(error), error, None)
        self.handler.handle(logging.LogRecord(name, level, "file", 1, text, args, exc_info))

    def pass_time(self, seconds: float = WINDOW_S) -> None:
        self.now += seconds
        due, self.calls = self.calls, []
        for _delay_s, call in due:
            call()

    def lines(self) -> list[str]:
        written = self.stream.getvalue().splitlines()
        self.stream.truncate(0)
        self.stream.seek(0)
        return written


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_is_written_and_the_rest_as_a_sum_each_ten_seconds(desk: Desk) -> None:
    for _ in range(500):
        desk.log("no node %s: %s", 1, "refused")
    assert desk.lines() == ["ERROR aiokafka: no node 1: refused"]
    desk.pass_time()
    assert desk.lines() == ["ERROR aiokafka: no node 1: refused (499 more like it in 10 s)"]
    desk.log("no node %s: %s", 1, "refused")
    assert desk.lines() == []
    desk.pass_time()
    assert desk.lines() == ["ERROR aiokafka: no node 1: refused (1 more like it in 10 s)"]


def test_what_did_not_come_again_leaves_no_sum_and_is_written_when_it_does(desk: Desk) -> None:
    desk.log("lost")
    desk.pass_time()
    assert desk.lines() == ["ERROR aiokafka: lost"]
    assert desk.calls == []
    desk.log("lost")
    assert desk.lines() == ["ERROR aiokafka: lost"]


def test_another_text_logger_level_or_exception_is_another_kind(desk: Desk) -> None:
    desk.log("failed")
    desk.log("failed again")
    desk.log("failed", name="faust")
    desk.log("failed", level=logging.WARNING)
    desk.log("failed", error=ValueError("one"))
    assert desk.lines() == [
        "ERROR aiokafka: failed",
        "ERROR aiokafka: failed again",
        "ERROR faust: failed",
        "WARNING aiokafka: failed",
        "ERROR aiokafka: failed",
        "ValueError: one",
    ]


def test_one_look_at_a_time_is_asked_for_and_later_kinds_have_their_own_ten_seconds(desk: Desk) -> None:
    desk.log("early")
    desk.now += 4
    desk.log("late")
    desk.log("late")
    assert [delay_s for delay_s, _ in desk.calls] == [LOOK_S]
    desk.lines()
    desk.pass_time(6)
    assert desk.lines() == []
    desk.pass_time(4)
    assert desk.lines() == ["ERROR aiokafka: late (1 more like it in 10 s)"]


def test_what_is_held_back_is_written_at_the_end(desk: Desk) -> None:
    desk.log("failed")
    desk.log("failed")
    desk.now += 3
    desk.handler.close()
    assert desk.lines() == ["ERROR aiokafka: failed", "ERROR aiokafka: failed (1 more like it in 3 s)"]


def test_a_flood_of_different_texts_is_written_and_not_remembered(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr(summing, "MOST_KINDS", 2)
    for number in (1, 2, 3, 3):
        desk.log("%s", number)
    assert desk.lines() == [f"ERROR aiokafka: {number}" for number in (1, 2, 3, 3)]


def test_the_timer_calls_and_does_not_keep_the_process_alive() -> None:
    import threading

    called = threading.Event()
    summing.start_timer(0.01, called.set)
    assert called.wait(10)
    summing.start_timer(3600, called.set)
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    [timer] = [timer for timer in timers if timer.interval == 3600]
    assert timer.daemon
    timer.cancel()
