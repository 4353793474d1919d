"""Days and moments on a command line."""

from datetime import UTC, datetime, timedelta
from typing import Final

import typer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def at_ms(text: str, option: str) -> int:
    """A day, or a moment in ISO 8601, as milliseconds since 1970; in UTC where it names no other zone.

    Raises BadParameter for this option.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or (moment := moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < _EPOCH:
        raise typer.BadParameter("expected a day or a time since 1970, as 2026-11-01T08:30Z", param_hint=option)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
