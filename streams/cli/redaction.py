"""Bytes and long rows of numbers in a text give way to a word: they may be a piece of a picture, or of an embedding.

No line of ours shows any. But the message of an exception is its author's: one that is raised with what it stumbled
over for its argument shows it; so does the repr of a UnicodeDecodeError, of an array, of a record of the Kafka client.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from numbers import Real
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

MOST_SHOWN: Final = 16
"""Bytes of a literal that is left as it is: a key, a word, the signature of a format."""

FEWEST_HIDDEN: Final = 16
"""Numbers in a row that may be data."""

# the second quotation mark is missing where the text was cut
_LITERAL: Final = re.compile(r"""(?<!\w)b(?:'((?:[^'\\]|\\.)*)(?:'|\\?\Z)|"((?:[^"\\]|\\.)*)(?:"|\\?\Z))""", re.DOTALL)
# the repr of a text in which a literal stands escapes it once more, its quotation marks too: known by its many escapes
_ESCAPED: Final = re.compile(r"(?:\\++(?:x[0-9a-f]{2}|[^\\])[^\\]{0,24}+){8,}", re.DOTALL)
_NUMBERS: Final = re.compile(rf"(?:-?\d+(?:\.\d*)?(?:e[+-]?\d+)?[\s,.\[\]()]++){{{FEWEST_HIDDEN},}}")
_BYTE: Final = re.compile(r"\\x[0-9a-f]{2}|\\.|.", re.DOTALL)


def without_bytes(text: str) -> str:
    """The text with `<n bytes>` in place of each longer literal, and without what else may be data."""
    return _NUMBERS.sub("<numbers> ", _ESCAPED.sub("<bytes>", _LITERAL.sub(_shown, text)))


def _shown(literal: re.Match[str]) -> str:
    size = len(_BYTE.findall(literal[1] if literal[1] is not None else literal[2]))
    return literal[0] if size <= MOST_SHOWN else f"<{size} bytes>"


def event_without_bytes(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A step of structlog's: the event without any bytes, alone or in a text."""
    return {name: _value(value) for name, value in event.items()}


def _value(value: Any) -> Any:
    match value:
        case str():
            return without_bytes(value)
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case None | bool() | int() | float():
            return value
        case dict():
            return {without_bytes(str(name)): _value(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return _row(value)
    return without_bytes(repr(value))  # as whoever writes the line would, but behind us


def _row(values: Iterable[Any]) -> str | list[Any]:
    leaves = list(_leaves(values))
    if len(leaves) >= FEWEST_HIDDEN and all(isinstance(leaf, Real) for leaf in leaves):
        return f"<{len(leaves)} numbers>"
    return [_value(each) for each in values]


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    """Of rows in rows."""
    for each in values:
        if isinstance(each, list | tuple | set | frozenset):
            yield from _leaves(each)
        else:
            yield each


class RedactingFormatter(logging.Formatter):
    """Of what libraries log."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, its trace included."""
        return without_bytes(super().format(record))
