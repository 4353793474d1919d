"""A worker's own log: one line an event on stderr, JSON where that is no terminal. No picture ever gets into it."""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from streams.cli.summing import SummingHandler

OTHERS_LEAST_LEVEL: Final = logging.WARNING
"""The debug lines of the Kafka client and of faust carry the values of records, which are pictures; with DEVLOG in
the environment, faust's stand at the level INFO."""


def set_up_log(level: str) -> None:
    """Log from `level` (debug, info, warning, error) on; libraries from a level above it,
    and what they repeat as sums.
    """
    own_level = logging.getLevelNamesMapping()[level.upper()]
    others_level = max(OTHERS_LEAST_LEVEL, own_level + 10)
    logging.basicConfig(
        handlers=[SummingHandler(sys.stderr)],
        level=others_level,
        format="%(levelname)s %(name)s: %(message)s",
        force=True,
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_bytes,
            *_renderers(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(own_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def without_bytes(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace bytes by their number."""
    return {
        name: f"<{len(value)} bytes>" if isinstance(value, bytes | bytearray | memoryview) else value
        for name, value in event.items()
    }


def _renderers() -> tuple[Processor, ...]:
    if not sys.stderr.isatty():
        return (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
    # the console's own way with exceptions prints the local variables of each frame, pictures among them
    return (structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),)
