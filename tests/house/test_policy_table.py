"""The README's table of the data policy has the nine promises, and tests that exist for each."""

import re
from pathlib import Path

import pytest

from streams.audit.finding import TITLES

HEADING = "\n## Data policy\n"
PROOF = 2
"""Of the columns: promise, what keeps it, tests that prove it, the audit's evidence, within which time."""


@pytest.fixture(scope="module")
def rows(root: Path) -> list[list[str]]:
    part = (root / "README.md").read_text("utf-8").split(HEADING)[1].split("\n## ", maxsplit=1)[0]
    lines = [line for line in part.splitlines() if re.match(r"\| \d\. ", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_promise_has_a_row_as_the_audit_calls_it(rows: list[list[str]]) -> None:
    assert [row[0] for row in rows] == [f"{promise.value}. {title}" for promise, title in TITLES.items()]


def test_every_row_is_whole(rows: list[list[str]]) -> None:
    assert all(len(row) == 5 and all(row) for row in rows)


def test_every_row_names_tests_and_all_of_them_exist(rows: list[list[str]], root: Path) -> None:
    for row in rows:
        named = re.findall(r"`(tests/[\w./-]+)`", row[PROOF])
        assert named, row[0]
        assert [name for name in named if not (root / name).exists()] == []
