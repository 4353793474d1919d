"""What a setting takes, in words: for error messages and for the README's table. Knows types, not values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as the README shows it; default is empty where none is set."""

    name: str
    expected: str
    default: str
    description: str


def rows(settings: type[msgspec.Struct]) -> Iterator[SettingRow]:
    """Every field of `settings`, in order."""
    for field in msgspec.structs.fields(settings):
        default = "" if field.default in (None, msgspec.NODEFAULT) else str(field.default)
        default = str(_extra(field.type).get("default", default))
        yield SettingRow(field.name, expected(field.type), default, description(field.type))


def expected(field_type: Any) -> str:
    """What a field of this type takes: its range, its choices or its form."""
    extra = _extra(field_type)
    if "expected" in extra:
        return str(extra["expected"])
    match _peel(field_type)[0]:
        case inspect.IntType() as kind:
            steps = f", a multiple of {kind.multiple_of}" if kind.multiple_of else ""
            return f"a whole number {_range(kind)}{steps}"
        case inspect.FloatType() as kind:
            return f"a number {_range(kind)}"
        case inspect.LiteralType() as kind:
            return " or ".join(str(value) for value in kind.values)
        case _:
            return "a path"


def description(field_type: Any) -> str:
    """What a field of this type is for."""
    return next(str(meta.extra_json_schema["description"]) for meta in _peel(field_type)[1] if meta.extra_json_schema)


def _extra(field_type: Any) -> dict[str, Any]:
    return {name: value for meta in _peel(field_type)[1] for name, value in (meta.extra or {}).items()}


def _peel(field_type: Any) -> tuple[inspect.Type, list[inspect.Metadata]]:
    """The type itself, and every description on the way to it; None as an alternative is passed over."""
    kind, around = inspect.type_info(field_type), []
    while True:
        if isinstance(kind, inspect.Metadata):
            around.append(kind)
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            kind = next(member for member in kind.types if not isinstance(member, inspect.NoneType))
        else:
            return kind, around


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    low = f"of at least {kind.ge}" if kind.ge is not None else f"above {kind.gt}"
    high = f"at most {kind.le}" if kind.le is not None else f"below {kind.lt}"
    return f"{low} and {high}"
