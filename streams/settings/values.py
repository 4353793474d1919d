"""From the text of an environment to the values of settings."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from streams.settings.errors import SettingsError
from streams.settings.words import description, expected


def converted(variable: str, raw: str, field: msgspec.structs.FieldInfo) -> Any:
    """The value of this field. Raises SettingsError, which does not repeat the text."""
    try:
        return msgspec.convert(raw, field.type, strict=False, dec_hook=_from_text)
    except msgspec.ValidationError:
        # from None: msgspec's own message repeats the value
        raise SettingsError(variable, f"expected {expected(field.type)} ({description(field.type)})") from None


def _from_text(kind: type, raw: str) -> Any:
    if kind is not Path:
        return kind(raw)
    try:
        return Path(raw).expanduser()
    except RuntimeError as error:
        raise ValueError("there is no such user") from error


def may_exist(server: tuple[str, int]) -> bool:
    """Whether a socket takes this host and port at all; it raises what is no OSError for those that it does not."""
    host, port = server
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return 1 <= port <= 65_535


def unknown(variable: str, fields: Mapping[str, Any]) -> str:
    """What is wrong with a variable that is no setting."""
    near = get_close_matches(variable, fields, n=1)
    return "no such setting" + (f"; did you mean {near[0]}?" if near else "")


def home(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    """Our directory below the one that this XDG variable names, else below `fallback` in the home directory."""
    # the XDG specification: a relative path in the variable is to be ignored
    given = Path(environ.get(variable, ""))
    directory = Path(environ.get("HOME") or "~").expanduser()
    return (given if given.is_absolute() else directory / fallback) / "facestreams"
