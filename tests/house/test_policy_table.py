"""The README's table of the data policy has the nine promises, tests that exist, and the figures of `make policy`."""

import re
from pathlib import Path

import pytest

from streams.audit.finding import TITLES
from tests.kafka.policy.run import cells

HEADING = "\n## Data policy\n"
PROOF = 2
"""Of the columns: promise, what keeps it, tests that prove it, the audit's evidence, within, held, caught."""


@pytest.fixture(scope="module")
def rows(root: Path) -> list[list[str]]:
    part = (root / "README.md").read_text("utf-8").split(HEADING)[1].split("\n## ", maxsplit=1)[0]
    lines = [line for line in part.splitlines() if re.match(r"\| \d\. ", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_promise_has_a_row_as_the_audit_calls_it(rows: list[list[str]]) -> None:
    assert [row[0] for row in rows] == [f"{promise.value}. {title}" for promise, title in TITLES.items()]


def test_every_row_is_whole(rows: list[list[str]]) -> None:
    assert all(len(row) == 7 and all(row) for row in rows)


def test_the_last_columns_are_those_that_a_whole_proof_prints(rows: list[list[str]]) -> None:
    printed = [cells(held=True, caught=True, promise=promise) for promise in TITLES]
    assert [tuple(row[-2:]) for row in rows] == printed


def test_every_row_names_tests_and_all_of_them_exist(rows: list[list[str]], root: Path) -> None:
    for row in rows:
        named = re.findall(r"`(tests/[\w./-]+)`", row[PROOF])
        assert named, row[0]
        assert [name for name in named if not (root / name).exists()] == []
