"""Ending a computation from outside: what runs too long is told so by another thread.

with abort:                     # in the thread that computes
    recognizer.recognize(...)   # raises AbortedError soon after another thread has called abort.set()

Networks end at their next node, and between the steps of a frame's way is a `check`. A single call into OpenCV
cannot be ended: the limits on a picture's bytes and pixels bound it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from threading import Lock
from types import TracebackType
from typing import Self

from models.errors import AbortedError


class Abort:
    """Ends one computation. `set` may come from any thread, at any time, and more than once."""

    __slots__ = ("_endings", "_is_set", "_lock", "_token")

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_set = False
        self._endings: set[Callable[[], object]] = set()
        self._token: Token[Abort | None] | None = None

    @property
    def is_set(self) -> bool:
        """The computation was told to end."""
        return self._is_set

    def set(self) -> None:
        """Tell the computation to end. Returns at once."""
        with self._lock:
            self._is_set = True
            for end in self._endings:
                end()

    @contextmanager
    def ends(self, end: Callable[[], object]) -> Iterator[None]:
        """Have `end` called when the abort is set while the block runs, or at its beginning if it is set by then."""
        with self._lock:
            self._endings.add(end)
            if self._is_set:
                end()
        try:
            yield
        finally:
            with self._lock:
                self._endings.discard(end)

    def __enter__(self) -> Self:
        """What this thread computes from here on ends with this abort."""
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)


_current: ContextVar[Abort | None] = ContextVar("abort", default=None)


def current() -> Abort | None:
    """The abort under which this thread computes, if under any."""
    return _current.get()


def check() -> None:
    """Raise AbortedError if what this thread computes was told to end."""
    abort = _current.get()
    if abort is not None and abort.is_set:
        raise AbortedError
