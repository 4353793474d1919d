"""JSON Schema (draft 2020-12) of what travels, one file a record; made from the types of `streams.wire.records`."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.wire.records import RECORDS, Record

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DIRECTORY: Final = Path(__file__).parent


def file_name(record: type[Record]) -> str:
    """`RunningLogEntry` is in `running-log-entry.json`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", record.__name__).lower() + ".json"


def schema(record: type[Record]) -> dict[str, Any]:
    """The schema of one record. Unknown fields are allowed: readers ignore them."""
    made = msgspec.json.schema(record)
    for part in made["$defs"].values():
        # a docstring's indentation depends on the version of Python
        part["description"] = inspect.cleandoc(part["description"])
    return {"$schema": DIALECT, "$id": file_name(record), "$ref": made["$ref"], "$defs": made["$defs"]}


def files() -> Mapping[str, str]:
    """File names and their text, as they should stand in this directory."""
    return {
        file_name(record): msgspec.json.format(msgspec.json.encode(schema(record)), indent=2).decode() + "\n"
        for record in RECORDS
    }


def write(directory: Path = DIRECTORY) -> None:
    """Write all files, and remove those of records that there are no more."""
    wanted = files()
    for stale in {found.name for found in directory.glob("*.json")} - set(wanted):
        (directory / stale).unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")
