import pytest
import typer

from streams.cli.times import at_ms

NOVEMBER_MS = 1_793_491_200_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-01", NOVEMBER_MS),
        ("2026-11-01T00:00", NOVEMBER_MS),
        ("2026-11-01T01:30:00.250Z", NOVEMBER_MS + 5_400_250),
        ("2026-11-01T01:00+01:00", NOVEMBER_MS),
        ("1970-01-01", 0),
    ],
)
def test_a_day_or_a_moment_is_utc_unless_it_says_otherwise(text: str, ms: int) -> None:
    assert at_ms(text, "--from") == ms


@pytest.mark.parametrize(
    "text", ["", "november", "2026-13-01", "1969-12-31", "0001-01-01T00:00+14:00", "1793491200000"]
)
def test_anything_else_is_a_wrong_command_line(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected a day or a time since 1970") as refused:
        at_ms(text, "--from")
    assert refused.value.param_hint == "--from"
