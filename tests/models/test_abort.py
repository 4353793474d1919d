from threading import Thread

import pytest

from models import abort
from models.abort import Abort
from models.errors import AbortedError


def test_nothing_is_told_to_end_outside_of_an_abort() -> None:
    assert abort.current() is None
    abort.check()


def test_what_runs_under_it_ends_at_the_next_check() -> None:
    with Abort() as running:
        abort.check()
        running.set()
        with pytest.raises(AbortedError):
            abort.check()
    abort.check()


def test_it_belongs_to_the_thread_that_entered_it() -> None:
    seen = []
    with Abort() as running:
        running.set()
        other = Thread(target=lambda: seen.append(abort.current()))
        other.start()
        other.join()
    assert seen == [None]


def test_set_calls_what_is_running_and_only_that() -> None:
    running, ended = Abort(), []
    with running.ends(lambda: ended.append("over")):
        pass
    with running.ends(lambda: ended.append("first")), running.ends(lambda: ended.append("second")):
        running.set()
    assert sorted(ended) == ["first", "second"]


def test_what_begins_after_it_was_set_is_called_at_once() -> None:
    running, ended = Abort(), []
    running.set()
    with running.ends(lambda: ended.append("late")):
        assert ended == ["late"]
