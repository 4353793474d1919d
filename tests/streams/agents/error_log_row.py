"""What the data policy says that the error log carries, and where an entry carries it."""

from typing import Any, Final

import msgspec

from streams.wire.records import ErrorLogEntry

ROW: Final = {
    "upstream state": ("upstream", "received.partition", "received.offset", "received.age_ms", "received.attempt"),
    "downstream state": ("downstream",),
    "user input": ("input.value_bytes", "input.headers"),
    "user output": ("output",),
    "whether the request succeeded": ("succeeded",),
    "AppID": ("app_id",),
    "UIN": ("uin",),
    "SubUIN": ("sub_uin",),
    "region": ("region",),
    "API input parameters": ("request_interface", "input.parameters"),
    "return code": ("return_code",),
    "algorithm output": ("algorithm_output",),
}
"""Each name of the row, and the fields that carry it."""


def carried(entry: ErrorLogEntry) -> dict[str, list[Any]]:
    """The values of each name of the row, as they stand in the record's JSON; null and nothing are left out."""
    said = msgspec.to_builtins(entry)
    return {
        name: [value for path in paths if (value := _at(said, path)) not in (None, "")] for name, paths in ROW.items()
    }


def _at(said: Any, path: str) -> Any:
    for part in path.split("."):
        said = None if said is None else said[part]
    return said
