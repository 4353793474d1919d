from typing import Annotated, Literal

import pytest
from msgspec import Meta

from streams.settings import Settings
from streams.settings.words import description, expected, rows


@pytest.mark.parametrize(
    ("field_type", "words"),
    [
        (Annotated[int, Meta(ge=1, le=9)], "a whole number of at least 1 and at most 9"),
        (
            Annotated[int, Meta(ge=32, le=64, multiple_of=32)],
            "a whole number of at least 32 and at most 64, a multiple of 32",
        ),
        (Annotated[float, Meta(gt=0, lt=1)], "a number above 0 and below 1"),
        (Annotated[float, Meta(ge=0, le=1)] | None, "a number of at least 0 and at most 1"),
        (Literal["b", "a"], "a or b"),
        (Annotated[str, Meta(extra={"expected": "host:port"})], "host:port"),
    ],
)
def test_a_type_says_what_it_takes(field_type: object, words: str) -> None:
    assert expected(field_type) == words


def test_a_description_is_found_behind_none() -> None:
    assert description(Annotated[int, Meta(ge=0, description="of faces")] | None) == "of faces"


def test_every_setting_says_what_it_takes_and_what_it_is_for() -> None:
    table = {row.name: row for row in rows(Settings)}

    assert all(row.expected and row.description for row in table.values())
    assert table["partitions"].default == "12"
    assert table["key_dir"].default == "<data home>/keys/<account>"
    assert table["snapshot_dir"].default == ""
    assert table["recheck_s"].expected == "a number of at least 0.1 and at most 3600"
