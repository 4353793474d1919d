"""A worker's own log: one line an event on stderr, JSON where that is no terminal. No picture ever gets into it."""

import logging
import sys
from functools import partial
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from streams.cli.redaction import RedactingFormatter, event_without_bytes
from streams.cli.summing import SummingHandler

OTHERS_LEAST_LEVEL: Final = logging.WARNING
"""The debug lines of the Kafka client and of faust carry the values of records, which are pictures; with DEVLOG in
the environment, faust's stand at the level INFO."""


def set_up_log(level: str, account: str | None = None) -> None:
    """Log from `level` (debug, info, warning, error) on; libraries from a level above it,
    and what they repeat as sums. account: whose worker this is, said in every line of ours.
    """
    own_level = logging.getLevelNamesMapping()[level.upper()]
    others_level = max(OTHERS_LEAST_LEVEL, own_level + 10)
    others = SummingHandler(sys.stderr)
    others.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[others], level=others_level, force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *((partial(_of_account, account),) if account is not None else ()),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            event_without_bytes,
            _renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(own_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _of_account(account: str, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {"account": account, **event}


def _renderer() -> Processor:
    if not sys.stderr.isatty():
        return structlog.processors.JSONRenderer()
    # the console's own way with exceptions prints the local variables of each frame, pictures among them
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
